/** What a broker's reason code (MQTT 5 §2.4, from 0x80 on) means for whoever asked; 3.1.1 has such words for CONNECT alone. */
import { CloudError, type NextStep } from "../../cloud/cloud.ts";

const NEXT: Readonly<Record<number, NextStep>> = {
  128: "retry", // 0x80 unspecified error
  131: "retry", // 0x83 implementation specific error
  133: "reprovision", // 0x85 client identifier not valid
  134: "reprovision", // 0x86 bad user name or password
  135: "reprovision", // 0x87 not authorized
  136: "retry-after", // 0x88 server unavailable
  137: "retry-after", // 0x89 server busy
  138: "reprovision", // 0x8A banned
  140: "reprovision", // 0x8C bad authentication method
  144: "drop-and-report", // 0x90 topic name invalid
  145: "reconnect", // 0x91 packet identifier in use
  147: "retry-after", // 0x93 receive maximum exceeded
  149: "drop-and-report", // 0x95 packet too large
  150: "retry-after", // 0x96 message rate too high
  151: "retry-after", // 0x97 quota exceeded
  153: "drop-and-report", // 0x99 payload format invalid
  156: "retry-after", // 0x9C use another server
  155: "retry-after", // 0x9B QoS not supported: somebody has to change the broker
  157: "retry-after", // 0x9D server moved
  159: "retry-after", // 0x9F connection rate exceeded
};
/** A quota is counted by the second or the minute, a busy server by the minute. */
const PATIENCE_MS = 30_000;
/** 0x84, and table 3.1 of 3.1.1 from a broker that answers in its own words. */
const UNSUPPORTED = new Set([132, 1]);

/** 0x9B: the broker takes or gives nothing with acknowledgement. */
const QOS_NOT_SUPPORTED = 155;
export const NO_QOS_1 =
  "the broker takes no messages with acknowledgement (QoS 1), without which the station sends nothing; mosquitto: max_qos";

/** undefined when it is no reason that MQTT 5 gives. */
export function reasonError(code: number | undefined, what: string, cause: unknown): CloudError | undefined {
  const next = code === undefined ? undefined : NEXT[code];
  if (code === undefined || next === undefined) return undefined;
  const text = cause instanceof Error ? cause.message : String(cause);
  const advice = code === QOS_NOT_SUPPORTED ? `; ${NO_QOS_1}` : "";
  return new CloudError(next, `${what}: ${text} (reason 0x${code.toString(16)})${advice}`, {
    cause,
    ...(next === "retry-after" && { afterMs: PATIENCE_MS }),
  });
}

/** What a broker's DISCONNECT (§3.14.2.1) says of the next connection: not before so many ms; undefined: whenever. */
export const patienceAfter = (code: number): number | undefined =>
  NEXT[code] === "retry-after" ? PATIENCE_MS : undefined;

/** A message is larger than the broker takes: it would end each next connection, too. */
export const PACKET_TOO_LARGE = 0x95;

/** CONNACK's return codes in MQTT 3.1.1, table 3.1: identifier rejected, bad user name or password, not authorized. */
export const REFUSED_RETURN_CODES: ReadonlySet<number> = new Set([2, 4, 5]);

/** A broker that speaks 3.1.1 alone says so, answers what can't be read as 5, or hangs up at a CONNECT of version 5. */
export function isOldBroker(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? error.code : undefined;
  return (
    code === "no-connack" ||
    (typeof code === "number" && UNSUPPORTED.has(code)) ||
    /^(Invalid|Cannot|Unknown)/.test(error.message)
  );
}
