/**
 * A device at the provisioning service, over MQTT 3.1.1:
 *
 *   SUBSCRIBE $dps/registrations/res/#
 *   PUBLISH   $dps/registrations/PUT/iotdps-register/?$rid=1                              {"registrationId":"gw1"}
 *             $dps/registrations/res/202/?$rid=1&retry-after=3                            {"operationId":…}
 *   PUBLISH   $dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=…
 *             $dps/registrations/res/200/?$rid=2                                          {"registrationState":…}
 */
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { Clock, Timers } from "@pump-station/agent/world.ts";
import type { IConnectPacket, IPublishPacket, Packet } from "mqtt-packet";
import { CONNACK } from "./authentication.ts";
import { type CertificateChain, leafOf } from "./certificates.ts";
import type { Proof } from "./enrolments.ts";
import { errorBody, ServiceError } from "./errors.ts";
import type { EventLog } from "./events.ts";
import type { FaultAction, Faults, Operation } from "./faults.ts";
import { CONNECT_WITHIN_MS, SILENCE_MS_MAX, SILENCE_PER_KEEP_ALIVE } from "./limits.ts";
import type { PacketLink, PacketReceiver } from "./link.ts";
import { parseSas } from "./sas.ts";
import { parseDpsUser } from "./user-name.ts";

export interface DpsAnswer {
  readonly status: number;
  readonly retryAfterS?: number;
  readonly body: JsonObject;
}

export interface Registrar {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly nowMs: () => number;
  readonly idScope: string;
  readonly events: EventLog;
  readonly faults: Faults;
  /** Throw ServiceError 401, 404. */
  register(registrationId: string, proof: Proof): DpsAnswer;
  operationStatus(registrationId: string, operationId: string, proof: Proof): DpsAnswer;
}

const ANSWERS = "$dps/registrations/res/#";

export function createDpsConnection(registrar: Registrar, link: PacketLink, chain: CertificateChain): PacketReceiver {
  let registrationId: string | undefined;
  let proof: Proof = { chain };
  let [isEnded, isSilent, isListening] = [false, false, false];
  let lastPacketMs = registrar.clock.bootMs();
  const cancels = new Set<() => void>();

  const later = (ms: number, run: () => void): void => {
    const cancel = registrar.timers.after(ms, () => {
      cancels.delete(cancel);
      run();
    });
    cancels.add(cancel);
  };
  const end = (reason: string, how: "fin" | "reset" | "gone" = "fin"): void => {
    if (isEnded) return;
    isEnded = true;
    for (const cancel of cancels) cancel();
    if (!isSilent && how === "fin") link.close();
    if (!isSilent && how === "reset") link.cut();
    if (registrationId !== undefined) registrar.events.add(registrationId, { kind: "disconnected", reason });
  };
  const send = (packet: Packet): void => {
    if (!isEnded && !isSilent) link.send(packet);
  };
  const refuse = (device: string, code: number, reason: string): void => {
    registrar.events.add(device, { kind: "refused", code, reason });
    send({ cmd: "connack", returnCode: code, sessionPresent: false });
    end(reason);
  };
  const takeFault = (on: Operation, device: string): FaultAction | undefined => {
    const fault = registrar.faults.take(on, device);
    if (fault) registrar.events.add(device, { kind: "fault", on, does: fault.do });
    return fault;
  };

  const onConnect = (packet: IConnectPacket): void => {
    const fault = takeFault("connect", packet.clientId);
    if (fault?.do === "refuse") return refuse(packet.clientId, fault.status, "refused on purpose");
    if (fault?.do === "cut") return end("cut on purpose", "reset");
    if (fault?.do === "silent" || fault?.do === "lose") {
      isSilent = true;
      return;
    }
    if (fault?.do === "delay") return later(fault.ms, () => admit(packet));
    admit(packet);
  };
  const admit = (packet: IConnectPacket): void => {
    const admitted = admission(registrar, packet, chain);
    if ("reason" in admitted) return refuse(packet.clientId, admitted.code, admitted.reason);
    registrationId = packet.clientId;
    proof = admitted.proof;
    registrar.events.add(registrationId, {
      kind: "connected",
      auth: proof.token ? "sas" : "x509",
      clean: packet.clean !== false,
      // DPS keeps no sessions.
      sessionPresent: false,
      keepAliveS: packet.keepalive ?? 0,
    });
    send({ cmd: "connack", returnCode: CONNACK.accepted, sessionPresent: false });
    watchSilence(packet.keepalive ?? 0);
  };
  const watchSilence = (keepAliveS: number): void => {
    const wantedMs = keepAliveS * 1_000 * SILENCE_PER_KEEP_ALIVE;
    const allowedMs = keepAliveS === 0 ? SILENCE_MS_MAX : Math.min(wantedMs, SILENCE_MS_MAX);
    const look = (): void => {
      const restMs = lastPacketMs + allowedMs - registrar.clock.bootMs();
      if (restMs <= 0) end(`nothing came for ${allowedMs / 1_000} s`);
      else later(restMs, look);
    };
    later(allowedMs, look);
  };

  const answer = (
    rid: string,
    { status, retryAfterS, body }: DpsAnswer | { status: number; retryAfterS?: number; body: string },
  ): void => {
    if (!isListening) return;
    const retry = retryAfterS === undefined ? "" : `&retry-after=${retryAfterS}`;
    const payload = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
    const topic = `$dps/registrations/res/${status}/?$rid=${rid}${retry}`;
    send({ cmd: "publish", topic, payload, qos: 0, dup: false, retain: false });
  };
  const perform = (
    on: "register" | "register-status",
    packet: IPublishPacket,
    rid: string,
    run: () => DpsAnswer,
  ): void => {
    const fault = takeFault(on, registrationId ?? "");
    if (fault?.do === "lose") return;
    if (fault?.do === "cut") return end("cut on purpose", "reset");
    if (fault?.do === "silent") {
      isSilent = true;
      return;
    }
    if (packet.qos === 1) send({ cmd: "puback", messageId: packet.messageId ?? 0 });
    if (fault?.do === "refuse") {
      const text = errorBody(fault.status, fault.status * 1_000 + 1, "refused on purpose", registrar.nowMs());
      return answer(rid, { status: fault.status, retryAfterS: 1, body: fault.body === "empty" ? "" : text });
    }
    const finish = (): void => {
      const result = carryOut(run);
      if (fault?.do !== "lose-answer") answer(rid, result);
    };
    if (fault?.do === "delay") later(fault.ms, finish);
    else finish();
  };
  const carryOut = (run: () => DpsAnswer): DpsAnswer | { status: number; body: string } => {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      registrar.events.add(registrationId ?? "", { kind: "refused", code: error.status, reason: error.message });
      return { status: error.status, body: errorBody(error.status, error.code, error.message, registrar.nowMs()) };
    }
  };
  const onPublish = (packet: IPublishPacket, id: string): void => {
    if (packet.qos === 2) return end("QoS 2");
    const [path = "", query = ""] = packet.topic.split("/?");
    const fields = new URLSearchParams(query);
    const rid = fields.get("$rid");
    if (!rid) return end(`${packet.topic} has no $rid`);
    if (path === "$dps/registrations/PUT/iotdps-register")
      return perform("register", packet, rid, () => {
        checkBody(packet.payload, id);
        return registrar.register(id, proof);
      });
    if (path === "$dps/registrations/GET/iotdps-get-operationstatus")
      return perform("register-status", packet, rid, () =>
        registrar.operationStatus(id, fields.get("operationId") ?? "", proof),
      );
    end(`${packet.topic} is no topic of the provisioning service`);
  };
  const onPacket = (packet: Packet): void => {
    if (isEnded || isSilent) return;
    lastPacketMs = registrar.clock.bootMs();
    if (packet.cmd === "connect") return registrationId === undefined ? onConnect(packet) : end("a second CONNECT");
    if (registrationId === undefined) return end(`${packet.cmd} before CONNECT`);
    switch (packet.cmd) {
      case "publish":
        return onPublish(packet, registrationId);
      case "subscribe": {
        const granted = packet.subscriptions.map(({ topic, qos }) => (topic === ANSWERS ? Math.min(qos, 1) : 0x80));
        isListening ||= granted.some((code) => code !== 0x80);
        return send({ cmd: "suback", messageId: packet.messageId ?? 0, granted });
      }
      case "unsubscribe":
        if (packet.unsubscriptions.includes(ANSWERS)) isListening = false;
        return send({ cmd: "unsuback", messageId: packet.messageId ?? 0, granted: [] });
      case "pingreq":
        return send({ cmd: "pingresp" });
      case "puback":
        return;
      case "disconnect":
        return end("the device said goodbye");
      default:
        return end(`a device does not send ${packet.cmd}`);
    }
  };
  later(CONNECT_WITHIN_MS, () => {
    if (registrationId === undefined) end(`no CONNECT within ${CONNECT_WITHIN_MS / 1_000} s`);
  });
  return {
    onPacket,
    onClosed: () => end("the device's link is gone", "gone"),
    onNonsense: (what) => end(`no MQTT: ${what}`),
  };
}

/** CONNECT is judged by its form and the token's end; whether it is the right key is said when it registers. */
function admission(
  { idScope, nowMs }: Registrar,
  packet: IConnectPacket,
  chain: CertificateChain,
): { readonly proof: Proof } | { readonly code: number; readonly reason: string } {
  if (packet.protocolVersion !== 4) return { code: CONNACK.version, reason: "only MQTT 3.1.1" };
  const user = parseDpsUser(packet.username ?? "");
  if (typeof user === "string") return { code: CONNACK.malformed, reason: user };
  if (user.scope !== idScope)
    return { code: CONNACK.unauthorised, reason: `the scope is ${idScope}, not ${user.scope}` };
  if (user.registration !== packet.clientId)
    return {
      code: CONNACK.identifier,
      reason: `the client id is ${packet.clientId}, the user name says ${user.registration}`,
    };
  if (packet.password === undefined || packet.password.length === 0)
    return leafOf(chain)
      ? { proof: { chain } }
      : { code: CONNACK.unauthorised, reason: "neither a token nor a certificate" };
  const token = parseSas(packet.password.toString());
  if (typeof token === "string") return { code: CONNACK.unauthorised, reason: token };
  if (token.endS * 1_000 <= nowMs())
    return { code: CONNACK.unauthorised, reason: `the token ended at ${new Date(token.endS * 1_000).toISOString()}` };
  if (token.resource !== `${idScope}/registrations/${user.registration}`)
    return { code: CONNACK.unauthorised, reason: `the token is for ${token.resource}` };
  if (token.policy !== "registration")
    return { code: CONNACK.unauthorised, reason: "the token has no skn=registration" };
  return { proof: { token, chain } };
}

function checkBody(payload: string | Buffer, registrationId: string): void {
  let said: unknown;
  try {
    said = (JSON.parse(Buffer.from(payload).toString()) as { registrationId?: unknown } | null)?.registrationId;
  } catch (error) {
    throw new ServiceError(400, 400004, `the registration is no JSON: ${String(error)}`);
  }
  if (said !== undefined && said !== registrationId)
    throw new ServiceError(
      400,
      400004,
      `the registration is for ${JSON.stringify(said)}, the connection for ${registrationId}`,
    );
}
