/**
 * A device on a serial line that speaks from its description, backwards: it understands requests, and codes values
 * into answers. What the values are is its behaviour's affair: a pump's physics, or a recording.
 */
import type { Timers } from "@pump-station/agent/world.ts";
import type { DeviceRequest, SerialProtocol, Values } from "@pump-station/sensor-descriptions/model.ts";

export interface BaseboardBehaviour {
  /** Milliseconds until a read can be answered, for a device that makes its reader wait; 0: at once. */
  readyInMs?(read: string, carried: Values): number;
  /** The values of one read, now; a number: refused with that code. */
  read(read: string, carried: Values): Values | number;
  /** undefined: done; a number: refused with that code. */
  set(setting: string, value: number): number | undefined;
  command(command: string): number | undefined;
  /** A step of the set-up; a device that has no opinion does as it is told. */
  setUp?(step: number): number | undefined;
}

/** Each thing that passed over the line, seen from the device. Only whole frames with a right checksum are requests. */
export type BaseboardEvent =
  | { readonly did: "answered"; readonly read: string; readonly values: Values }
  | { readonly did: "refused"; readonly read: string; readonly code: number }
  | { readonly did: "set"; readonly setting: string; readonly value: number; readonly refused?: number }
  | { readonly did: "command"; readonly command: string; readonly refused?: number }
  | { readonly did: "set-up"; readonly step: number; readonly refused?: number }
  | { readonly did: "bad"; readonly reason: "checksum" | "malformed" };

export interface Baseboard {
  /** Bytes from the line, in any portions. */
  receive(bytes: Uint8Array): void;
}

export interface BaseboardDeps {
  readonly protocol: SerialProtocol;
  readonly address: number;
  readonly behaviour: BaseboardBehaviour;
  readonly timers: Pick<Timers, "after">;
  readonly send: (frame: Uint8Array) => void;
  readonly onEvent?: (event: BaseboardEvent) => void;
}

export function createBaseboard(deps: BaseboardDeps): Baseboard {
  const recogniser = deps.protocol.deviceSide(deps.address);
  let cancelAnswer: () => void = () => undefined;
  return {
    receive: (bytes) => {
      for (const request of recogniser.push(bytes)) {
        // Whoever asks again has given up the question before.
        cancelAnswer();
        cancelAnswer = answerWhenReady(request, deps);
      }
    },
  };
}

/** Returns what withdraws the answer. */
function answerWhenReady(request: DeviceRequest, deps: BaseboardDeps): () => void {
  const answer = () => {
    const frame = answerTo(request, deps);
    if (frame && frame.length > 0) deps.send(frame);
  };
  const waitMs = request.kind === "read" ? (deps.behaviour.readyInMs?.(request.read, request.carried) ?? 0) : 0;
  if (waitMs > 0) return deps.timers.after(waitMs, answer);
  answer();
  return () => undefined;
}

function answerTo(request: DeviceRequest, { behaviour, onEvent }: BaseboardDeps): Uint8Array | undefined {
  switch (request.kind) {
    case "read": {
      const values = behaviour.read(request.read, request.carried);
      if (typeof values === "number") {
        onEvent?.({ did: "refused", read: request.read, code: values });
        return refusal(request, values);
      }
      onEvent?.({ did: "answered", read: request.read, values });
      return request.answer(values);
    }
    case "set": {
      const refused = behaviour.set(request.setting, request.value);
      const event = { did: "set", setting: request.setting, value: request.value } as const;
      onEvent?.(refused === undefined ? event : { ...event, refused });
      return refused === undefined ? request.answer() : refusal(request, refused);
    }
    case "command": {
      const refused = behaviour.command(request.command);
      const event = { did: "command", command: request.command } as const;
      onEvent?.(refused === undefined ? event : { ...event, refused });
      return refused === undefined ? request.answer() : refusal(request, refused);
    }
    case "set-up": {
      const refused = behaviour.setUp?.(request.step);
      const event = { did: "set-up", step: request.step } as const;
      onEvent?.(refused === undefined ? event : { ...event, refused });
      return refused === undefined ? request.answer() : refusal(request, refused);
    }
    case "bad":
      onEvent?.({ did: "bad", reason: request.reason });
      return request.answer;
  }
}

/** A protocol without a word for "no" has boards that say nothing. */
function refusal(request: Exclude<DeviceRequest, { kind: "bad" }>, code: number): Uint8Array | undefined {
  try {
    return request.refuse(code);
  } catch {
    return undefined;
  }
}
