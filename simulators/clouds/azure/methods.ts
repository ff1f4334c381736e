/** Direct methods: called by the service, answered by the device within a time, or 404 and 504. */
import type { Json } from "@pump-station/agent/wire/twin-document.ts";
import type { Timers } from "@pump-station/agent/world.ts";
import { ServiceError } from "./errors.ts";
import { METHOD_CONNECT_S, METHOD_PAYLOAD_BYTES_MAX, METHOD_RESPONSE_S, METHODS_WAITING_MAX } from "./limits.ts";

export interface MethodCall {
  readonly name: string;
  /** Any JSON; null when left out. */
  readonly payload?: Json;
  readonly responseTimeoutS?: number;
  readonly connectTimeoutS?: number;
}

export interface MethodAnswer {
  readonly status: number;
  readonly payload: Json;
}

export interface Methods {
  /** Resolves with the device's answer. Rejects with ServiceError 400, 403, 404 (not there), 504 (no answer). */
  invoke(device: string, call: MethodCall): Promise<MethodAnswer>;
  /** What the device said; false when nobody waits for it any more. Throws ServiceError 400 when it is no JSON. */
  answer(device: string, rid: string, status: number, payload: Uint8Array): boolean;
  /** The device listens now: calls that waited for it are sent. */
  deviceListens(device: string): void;
}

interface Waiting {
  readonly device: string;
  readonly call: MethodCall;
  readonly rid: string;
  isSent: boolean;
  cancel: () => void;
  resolve: (answer: MethodAnswer) => void;
  reject: (error: ServiceError) => void;
}

interface MethodDeps {
  readonly timers: Timers;
  /** Hands the call to the device; false when it isn't connected or doesn't listen. */
  readonly send: (device: string, name: string, rid: string, payload: Uint8Array) => boolean;
}

export function createMethods({ timers, send }: MethodDeps): Methods {
  const waiting = new Map<string, Waiting>();
  let lastRid = 0;

  const settle = (entry: Waiting): void => {
    entry.cancel();
    waiting.delete(entry.rid);
  };
  const trySend = (entry: Waiting): boolean => {
    // Marked before it is sent: over a link in memory the answer comes back within the call.
    entry.isSent = true;
    entry.cancel();
    const limitS = entry.call.responseTimeoutS ?? METHOD_RESPONSE_S.normal;
    entry.cancel = timers.after(limitS * 1_000, () => {
      settle(entry);
      entry.reject(
        new ServiceError(504, 504101, `${entry.device} did not answer ${entry.call.name} within ${limitS} s`),
      );
    });
    if (send(entry.device, entry.call.name, entry.rid, payloadOf(entry.call))) return true;
    entry.isSent = false;
    entry.cancel();
    return false;
  };
  const waitForDevice = (entry: Waiting): void => {
    const limitS = entry.call.connectTimeoutS ?? METHOD_CONNECT_S.normal;
    const giveUp = (): void => {
      settle(entry);
      entry.reject(new ServiceError(404, 404103, `${entry.device} is not online, or does not listen for methods`));
    };
    if (limitS === 0) giveUp();
    else entry.cancel = timers.after(limitS * 1_000, giveUp);
  };

  return {
    invoke: (device, call) =>
      new Promise((resolve, reject) => {
        const problem = problemOf(call, waiting.size);
        if (problem) return reject(problem);
        lastRid += 1;
        const rid = lastRid.toString(16);
        const entry: Waiting = { device, call, rid, isSent: false, cancel: () => undefined, resolve, reject };
        waiting.set(rid, entry);
        if (!trySend(entry)) waitForDevice(entry);
      }),
    answer: (device, rid, status, payload) => {
      const entry = waiting.get(rid);
      if (!entry?.isSent || entry.device !== device) return false;
      const json = jsonOf(payload);
      settle(entry);
      entry.resolve({ status, payload: json });
      return true;
    },
    deviceListens: (device) => {
      for (const entry of [...waiting.values()].filter((other) => other.device === device && !other.isSent))
        if (!trySend(entry)) waitForDevice(entry);
    },
  };
}

function problemOf(call: MethodCall, waiting: number): ServiceError | undefined {
  const { responseTimeoutS = METHOD_RESPONSE_S.normal, connectTimeoutS = METHOD_CONNECT_S.normal } = call;
  if (!/^[^/?#&+$\s]{1,100}$/.test(call.name)) return new ServiceError(400, 400004, `${call.name} is no method name`);
  if (responseTimeoutS < METHOD_RESPONSE_S.min || responseTimeoutS > METHOD_RESPONSE_S.max)
    return new ServiceError(
      400,
      400004,
      `the time for the answer is ${METHOD_RESPONSE_S.min} to ${METHOD_RESPONSE_S.max} s`,
    );
  if (connectTimeoutS < METHOD_CONNECT_S.min || connectTimeoutS > METHOD_CONNECT_S.max)
    return new ServiceError(400, 400004, `the time to connect is ${METHOD_CONNECT_S.min} to ${METHOD_CONNECT_S.max} s`);
  if (payloadOf(call).length > METHOD_PAYLOAD_BYTES_MAX)
    return new ServiceError(413, 413001, `the payload is larger than ${METHOD_PAYLOAD_BYTES_MAX} bytes`);
  if (waiting >= METHODS_WAITING_MAX) return new ServiceError(403, 403003, `${waiting} calls wait already`);
  return undefined;
}

const payloadOf = ({ payload = null }: MethodCall): Uint8Array => new TextEncoder().encode(JSON.stringify(payload));

function jsonOf(payload: Uint8Array): Json {
  if (payload.length === 0) return null;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as Json;
  } catch (error) {
    throw new ServiceError(400, 400004, `the device's answer is no JSON: ${String(error)}`);
  }
}
