/**
 * An Azure IoT Hub in memory: takes connections as packets (or bytes, through `acceptBytes`), keeps devices, twins and
 * messages, and is a service to whoever holds it. Time and chance come from outside, so that months run in a second.
 */
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { Chance, Clock, Timers } from "@pump-station/agent/world.ts";
import type { SharedAccessPolicy } from "./authentication.ts";
import { createConnection } from "./connection.ts";
import { createDevices, type Device, type DeviceAuth, type Devices } from "./devices.ts";
import { ServiceError } from "./errors.ts";
import { createEventLog, type EventLog } from "./events.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createGate } from "./gate.ts";
import { CLOUD_TO_DEVICE_BYTES_MAX, EVENTS_MAX } from "./limits.ts";
import type { PacketServer } from "./link.ts";
import type { Usage } from "./metering.ts";
import { createMethods, type MethodAnswer, type MethodCall } from "./methods.ts";
import type { HubParts, OpenConnection } from "./parts.ts";
import { bagBytes } from "./property-bag.ts";
import type { Rates, Tier } from "./tiers.ts";
import { desiredTopic, methodTopic } from "./topics.ts";
import type { Twin, TwinView } from "./twin.ts";

export interface AzureHubConfig {
  /** What a device may call the hub, lower-case: "my-hub.azure-devices.net", "localhost:8883". The first is its name. */
  readonly hostNames: readonly string[];
  readonly policies?: readonly SharedAccessPolicy[];
  /** PEM: who may sign device certificates. */
  readonly certificateAuthorities?: readonly string[];
  readonly eventsMax?: number;
  /** S1 with one unit unless said. */
  readonly tier?: Tier;
  readonly units?: number;
  /** Other throttles than the tier's. */
  readonly rates?: Partial<Rates>;
}

export interface HubDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
}

export interface CloudMessage {
  readonly payload: Uint8Array;
  readonly messageId?: string;
  readonly properties?: Readonly<Record<string, string | null>>;
  readonly system?: Readonly<Record<string, string>>;
  /** How long it may wait; an hour unless said. */
  readonly lifeMs?: number;
}

export interface AzureHub extends PacketServer {
  readonly name: string;
  readonly devices: Devices;
  readonly events: EventLog;
  readonly faults: Faults;
  /** One more name that devices may call it: a port is known only once it is open. */
  answerTo(hostName: string): void;
  /** Makes a device; with keys of its own unless told. Throws ServiceError 400, 409. */
  addDevice(id: string, auth?: DeviceAuth): Device;
  /** Disconnects it and forgets it. Throws ServiceError 404. */
  removeDevice(id: string): void;
  setEnabled(id: string, isEnabled: boolean): void;
  twin(id: string): TwinView;
  /** Merge patch; returns the new desired version. Throws ServiceError 400, 404, 412, 413. */
  setDesired(id: string, patch: JsonObject, options?: { readonly ifMatch?: string }): number;
  replaceDesired(id: string, properties: JsonObject, options?: { readonly ifMatch?: string }): number;
  /** Merge patch. Throws ServiceError 400, 404, 412, 413. */
  setTags(id: string, patch: JsonObject, options?: { readonly ifMatch?: string }): void;
  /** The twin as after a failover or a new device of the same name: versions go backwards. */
  recreateTwin(id: string, kept?: { readonly desired?: JsonObject; readonly version?: number }): void;
  /** Rejects with ServiceError 404 (not online), 504 (no answer in time). */
  invokeMethod(id: string, call: MethodCall): Promise<MethodAnswer>;
  /** Returns the message id. Throws ServiceError 403, 404, 413. */
  sendToDevice(id: string, message: CloudMessage): string;
  connection(id: string): OpenConnection | undefined;
  /** Ends the device's connection; returns whether there was one. */
  disconnect(id: string, how?: "fin" | "reset" | "silent"): boolean;
  /** At the next connect the subscriptions are gone (session present 0). */
  forgetSession(id: string): void;
  /** The hub's wall clock beside the true one, in ms. */
  setSkew(ms: number): void;
  /** Other throttles from now on; what is left out stays. 0: everything is refused. */
  setRates(rates: Partial<Rates>): void;
  /** As if so many messages had been metered today. */
  useUp(messages: number): void;
  usage(): Usage;
  /** Nobody may connect, and whoever is connected is thrown out. */
  setAway(isAway: boolean): void;
}

export function createAzureHub(deps: HubDeps, config: AzureHubConfig): AzureHub {
  let skewMs = 0;
  let isAway = false;
  const nowMs = (): number => deps.clock.wallMs() + skewMs;
  const events = createEventLog(nowMs, config.eventsMax ?? EVENTS_MAX);
  const faults = createFaults(() => deps.chance.fraction());
  const connections = new Map<string, OpenConnection>();
  const devices = createDevices({
    nowMs,
    chance: deps.chance,
    onOutcome: (device, messageId, outcome) => events.add(device, { kind: "cloud-to-device", messageId, outcome }),
  });
  const methods = createMethods({
    timers: deps.timers,
    send: (device, name, rid, payload) =>
      connections.get(device)?.deliver("method", methodTopic(name, rid), payload) ?? false,
  });
  const gate = createGate(
    { wall: nowMs, boot: () => deps.clock.bootMs() },
    { tier: config.tier ?? "S1", units: config.units ?? 1, ...(config.rates && { rates: config.rates }) },
  );
  const { policies = [], certificateAuthorities = [] } = config;
  const hostNames = config.hostNames.map((name) => name.toLowerCase());
  const parts: HubParts = {
    ...deps,
    nowMs,
    admission: { hostNames, policies, certificateAuthorities, devices, nowMs },
    devices,
    faults,
    events,
    methods,
    gate,
    connections,
  };

  /** What a service asks for is throttled and metered too. Throws ServiceError 429. */
  const checkGate = (id: string, on: "desired" | "method" | "cloud-to-device", bytes: number): void => {
    if (!gate.send(id, on, bytes))
      throw new ServiceError(429, 429001, `${on}: too many at this hub, or the day's are used up`);
  };
  const writeDesired = (
    id: string,
    asked: JsonObject,
    write: (twin: Twin) => { readonly patch: JsonObject; readonly version: number },
  ): number => {
    const { twin } = devices.get(id);
    checkGate(id, "desired", Buffer.byteLength(JSON.stringify(asked)));
    const { patch, version } = write(twin);
    const payload = new TextEncoder().encode(JSON.stringify({ ...patch, $version: version }));
    const sent = connections.get(id)?.deliver("desired", desiredTopic(version), payload) ?? false;
    events.add(id, { kind: "desired", version, patch, sent });
    return version;
  };
  const end = (id: string, reason: string, how: "fin" | "reset" = "fin"): void => connections.get(id)?.end(reason, how);

  return {
    name: hostNames[0] ?? "",
    devices,
    events,
    faults,
    accept: (link, chain) => {
      if (!isAway) return createConnection(parts, link, chain);
      link.cut();
      return { onPacket: () => undefined, onClosed: () => undefined, onNonsense: () => undefined };
    },
    answerTo: (hostName) => void hostNames.push(hostName.toLowerCase()),
    addDevice: (id, auth) => devices.add(id, auth),
    removeDevice: (id) => {
      devices.remove(id);
      end(id, "the device was removed");
    },
    setEnabled: (id, isEnabled) => {
      devices.get(id).isEnabled = isEnabled;
      if (!isEnabled) end(id, "the device was disabled");
    },
    twin: (id) => devices.get(id).twin.view(),
    setDesired: (id, patch, { ifMatch } = {}) => writeDesired(id, patch, (twin) => twin.patchDesired(patch, ifMatch)),
    replaceDesired: (id, properties, { ifMatch } = {}) =>
      writeDesired(id, properties, (twin) => twin.replaceDesired(properties, ifMatch)),
    setTags: (id, patch, { ifMatch } = {}) => devices.get(id).twin.patchTags(patch, ifMatch),
    recreateTwin: (id, kept) => {
      devices.get(id).twin.recreate(kept);
      events.add(id, { kind: "twin-recreated" });
    },
    invokeMethod: async (id, call) => {
      devices.get(id);
      checkGate(id, "method", Buffer.byteLength(JSON.stringify(call.payload ?? null)));
      try {
        const answer = await methods.invoke(id, call);
        events.add(id, { kind: "method", name: call.name, status: answer.status });
        return answer;
      } catch (error) {
        if (error instanceof ServiceError)
          events.add(id, { kind: "method", name: call.name, status: error.status, reason: error.message });
        throw error;
      }
    },
    sendToDevice: (id, message) => {
      const device = devices.get(id);
      const mail = mailFrom(id, message, () => Buffer.from(deps.chance.bytes(8)).toString("hex"));
      checkGate(id, "cloud-to-device", bagBytes(mail) + mail.payload.length);
      device.mailbox.put(mail);
      events.add(id, { kind: "cloud-to-device", messageId: mail.messageId, outcome: "queued" });
      connections.get(id)?.deliverMail();
      return mail.messageId;
    },
    connection: (id) => connections.get(id),
    disconnect: (id, how = "fin") => {
      const connection = connections.get(id);
      if (how === "silent") connection?.goSilent();
      else connection?.end("ended by the operator", how);
      return connection !== undefined;
    },
    forgetSession: (id) => {
      devices.get(id).hasSession = false;
    },
    setSkew: (ms) => {
      skewMs = ms;
    },
    setRates: (rates) => gate.setRates(rates),
    useUp: (messages) => gate.useUp(messages),
    usage: () => gate.usage(),
    setAway: (away) => {
      isAway = away;
      if (away) for (const connection of [...connections.values()]) connection.end("the hub went away", "reset");
    },
  };
}

function mailFrom(device: string, message: CloudMessage, newId: () => string) {
  const { payload, properties = {}, system = {}, lifeMs } = message;
  const bytes = payload.length + bagBytes({ properties, system });
  if (bytes > CLOUD_TO_DEVICE_BYTES_MAX)
    throw new ServiceError(413, 413001, `a message of ${bytes} bytes; ${CLOUD_TO_DEVICE_BYTES_MAX} are allowed`);
  const messageId = message.messageId ?? newId();
  return {
    messageId,
    payload,
    properties,
    system: { "message-id": messageId, to: `/devices/${device}/messages/devicebound`, ...system },
    ...(lifeMs !== undefined && { lifeMs }),
  };
}
