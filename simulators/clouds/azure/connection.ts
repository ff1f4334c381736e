/**
 * One MQTT connection: CONNECT first, then what Microsoft's page allows; anything else ends it, since MQTT 3.1.1 has no
 * other way to say no. Ends by itself when nothing comes for 1.5 keep-alives and when the token ends.
 */
import type { IConnectPacket, Packet } from "mqtt-packet";
import { type Admitted, admit, CONNACK } from "./authentication.ts";
import type { CertificateChain } from "./certificates.ts";
import type { FaultAction } from "./faults.ts";
import { CONNECT_WITHIN_MS, SILENCE_MS_MAX, SILENCE_PER_KEEP_ALIVE } from "./limits.ts";
import type { PacketLink, PacketReceiver } from "./link.ts";
import { telemetryOf } from "./operations.ts";
import type { HubParts } from "./parts.ts";
import { createSession, type Session } from "./session.ts";
import { parsePublication } from "./topics.ts";

export function createConnection(hub: HubParts, link: PacketLink, chain: CertificateChain): PacketReceiver {
  let state: "new" | "connecting" | "open" | "ended" = "new";
  let isSilent = false;
  let session: Session | undefined;
  let will: IConnectPacket["will"];
  let lastPacketMs = hub.clock.bootMs();
  const cancels = new Set<() => void>();

  const later = (ms: number, run: () => void): void => {
    const cancel = hub.timers.after(ms, () => {
      cancels.delete(cancel);
      run();
    });
    cancels.add(cancel);
  };
  const end = (reason: string, how: "fin" | "reset" | "gone" = "fin"): void => {
    if (state === "ended") return;
    state = "ended";
    for (const cancel of cancels) cancel();
    if (!isSilent && how === "fin") link.close();
    if (!isSilent && how === "reset") link.cut();
    if (!session) return;
    session.close();
    if (hub.connections.get(session.device.id) === session) hub.connections.delete(session.device.id);
    hub.events.add(session.device.id, { kind: "disconnected", reason });
    sendWill(session);
  };
  const sendWill = ({ admitted }: Session): void => {
    if (!will) return;
    const publication = parsePublication(will.topic, admitted.device.id);
    if (typeof publication === "string" || publication.kind !== "telemetry") return;
    const packet = { payload: Buffer.from(will.payload), retain: will.retain ?? false };
    hub.events.add(admitted.device.id, telemetryOf(hub, admitted, publication.bag, packet, true));
  };
  const goSilent = (): void => {
    isSilent = true;
  };
  const refuse = (device: string, code: number, reason: string): void => {
    hub.events.add(device, { kind: "refused", code, reason });
    if (!isSilent) link.send({ cmd: "connack", returnCode: code, sessionPresent: false });
    end(reason);
  };

  const onConnect = (packet: IConnectPacket): void => {
    state = "connecting";
    const fault = hub.faults.take("connect", packet.clientId);
    if (!fault) return connect(packet);
    hub.events.add(packet.clientId, { kind: "fault", on: "connect", does: fault.do });
    applyConnectFault(fault, packet);
  };
  const applyConnectFault = (fault: FaultAction, packet: IConnectPacket): void => {
    switch (fault.do) {
      case "lose":
        return;
      case "silent":
        return goSilent();
      case "delay":
        return later(fault.ms, () => connect(packet));
      case "refuse":
        return refuse(packet.clientId, fault.status, "refused on purpose");
      case "cut":
        return end("cut on purpose", "reset");
      case "lose-answer":
        return connect(packet, false);
      case "twice":
        return connect(packet);
    }
  };
  const connect = (packet: IConnectPacket, answers = true): void => {
    const admitted = admit(hub.admission, packet, chain);
    if ("reason" in admitted) return refuse(admitted.device, admitted.code, admitted.reason);
    const verdict = hub.gate.connect();
    if (verdict !== undefined) return refuse(admitted.device.id, CONNACK.unavailable, verdict);
    const problem = willProblemOf(packet, admitted.device.id);
    if (problem !== undefined) return refuse(admitted.device.id, CONNACK.unauthorised, problem);
    // Azure's 400027: a second connection of the same device ends the first.
    hub.connections.get(admitted.device.id)?.end("another connection of the same device", "fin");
    open(packet, admitted, answers);
  };
  const open = (packet: IConnectPacket, admitted: Admitted, answers: boolean): void => {
    const { device, user } = admitted;
    const sessionPresent = packet.clean === false && device.hasSession;
    if (!sessionPresent) device.subscriptions.clear();
    device.hasSession = packet.clean === false;
    if (user.modelId !== undefined) device.modelId = user.modelId;
    will = packet.will;
    state = "open";
    session = createSession(hub, {
      admitted,
      send,
      cut,
      end,
      goSilent,
      later,
      isOpen: () => state === "open" && !isSilent,
    });
    hub.connections.set(device.id, session);
    const keepAliveS = packet.keepalive ?? 0;
    hub.events.add(device.id, {
      kind: "connected",
      auth: admitted.auth,
      clean: packet.clean !== false,
      sessionPresent,
      keepAliveS,
      ...(user.modelId !== undefined && { modelId: user.modelId }),
    });
    if (answers) send({ cmd: "connack", returnCode: CONNACK.accepted, sessionPresent });
    watchSilence(keepAliveS);
    if (admitted.endMs !== undefined) watchToken(admitted.endMs);
    session.resume();
  };
  const send = (packet: Packet): void => {
    if (state !== "ended" && !isSilent) link.send(packet);
  };
  const cut = (reason: string, packet?: Packet): void => {
    if (state === "ended" || isSilent) return;
    link.cut(packet);
    end(reason, "gone");
  };

  /** One timer for the whole connection: it looks when the last packet came, and sleeps for the rest. */
  const watchSilence = (keepAliveS: number): void => {
    const allowedMs =
      keepAliveS === 0 ? SILENCE_MS_MAX : Math.min(keepAliveS * 1_000 * SILENCE_PER_KEEP_ALIVE, SILENCE_MS_MAX);
    const look = (): void => {
      const restMs = lastPacketMs + allowedMs - hub.clock.bootMs();
      if (restMs <= 0) end(`nothing came for ${allowedMs / 1_000} s`);
      else later(restMs, look);
    };
    later(allowedMs, look);
  };
  const watchToken = (endMs: number): void => {
    const restMs = endMs - hub.nowMs();
    if (restMs <= 0) end("the token has ended");
    // The wall clock may be stepped meanwhile.
    else later(Math.min(restMs, 60_000), () => watchToken(endMs));
  };
  later(CONNECT_WITHIN_MS, () => {
    if (state === "new") end(`no CONNECT within ${CONNECT_WITHIN_MS / 1_000} s`);
  });

  return {
    onPacket: (packet) => {
      if (isSilent || state === "ended") return;
      lastPacketMs = hub.clock.bootMs();
      if (packet.cmd === "connect") return state === "new" ? onConnect(packet) : end("a second CONNECT");
      if (!session) return end(`${packet.cmd} before CONNECT`);
      if (packet.cmd !== "disconnect") return session.onPacket(packet);
      will = undefined;
      end("the device said goodbye");
    },
    onClosed: () => end("the device's link is gone", "gone"),
    onNonsense: (what) => end(`no MQTT: ${what}`),
  };
}

/** The last will has to be telemetry of the device itself. */
function willProblemOf({ will }: IConnectPacket, device: string): string | undefined {
  if (!will) return undefined;
  if (will.qos === 2) return "the will has QoS 2";
  const publication = parsePublication(will.topic, device);
  if (typeof publication === "string") return `the will: ${publication}`;
  return publication.kind === "telemetry" ? undefined : `the will goes to ${will.topic}, not to the device's telemetry`;
}
