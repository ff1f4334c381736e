/**
 * What goes wrong, on purpose. A fault names an operation and what becomes of it; it is used `times` times (1 unless
 * said), after letting `skip` operations pass, and only with `chance`.
 */
import { FAULTS_MAX } from "./limits.ts";

/** What a device asks for, or what the hub sends it by itself (desired, method, cloud-to-device). */
export const OPERATIONS = [
  "connect",
  "subscribe",
  "telemetry",
  "twin-get",
  "twin-report",
  "method-answer",
  "ping",
  "desired",
  "method",
  "cloud-to-device",
  // Of the provisioning service.
  "register",
  "register-status",
] as const;
export type Operation = (typeof OPERATIONS)[number];

export type FaultAction =
  /** Neither carried out nor answered; what the hub sends is not sent. */
  | { readonly do: "lose" }
  /** Carried out; PUBACK or answer is not sent. */
  | { readonly do: "lose-answer" }
  /** Carried out (or sent) two times. */
  | { readonly do: "twice" }
  | { readonly do: "delay"; readonly ms: number }
  /** connect: CONNACK with this code (1–5); twin: answer with this status; telemetry: closed; subscribe: 0x80. */
  | { readonly do: "refuse"; readonly status: number; readonly body?: "json" | "empty" }
  /** The link breaks (RST): before it is carried out, after it without an answer, or in the middle of the answer. */
  | { readonly do: "cut"; readonly when: "before" | "after" | "middle" }
  /** The link stays open and nothing passes any more, either way. */
  | { readonly do: "silent" };

export type Fault = FaultAction & {
  readonly on: Operation;
  /** Every device when left out. */
  readonly device?: string;
  readonly times?: number;
  readonly skip?: number;
  /** 0 … 1; 1 when left out. */
  readonly chance?: number;
};

export interface PlacedFault {
  readonly id: number;
  readonly fault: Fault;
  /** How often it still strikes. */
  readonly left: number;
}

export interface Faults {
  /** Returns a number for `remove`. Throws RangeError when there are too many. */
  add(fault: Fault): number;
  remove(id: number): boolean;
  clear(): void;
  list(): readonly PlacedFault[];
  /** The fault that strikes this operation, counted as used. */
  take(on: Operation, device: string): FaultAction | undefined;
}

export function createFaults(fraction: () => number): Faults {
  let placed: { id: number; fault: Fault; left: number; skip: number }[] = [];
  let lastId = 0;
  const strikes = (entry: (typeof placed)[number]): boolean => {
    if (entry.skip > 0) {
      entry.skip -= 1;
      return false;
    }
    return entry.fault.chance === undefined || fraction() < entry.fault.chance;
  };
  return {
    add: (fault) => {
      if (placed.length >= FAULTS_MAX) throw new RangeError(`add a fault: there are ${FAULTS_MAX} already`);
      lastId += 1;
      placed.push({ id: lastId, fault, left: fault.times ?? 1, skip: fault.skip ?? 0 });
      return lastId;
    },
    remove: (id) => {
      const before = placed.length;
      placed = placed.filter((entry) => entry.id !== id);
      return placed.length < before;
    },
    clear: () => {
      placed = [];
    },
    list: () => placed.map(({ id, fault, left }) => ({ id, fault, left })),
    take: (on, device) => {
      const fits = placed.filter(
        ({ fault }) => fault.on === on && (fault.device === undefined || fault.device === device),
      );
      const struck = fits.find(strikes);
      if (!struck) return undefined;
      struck.left -= 1;
      if (struck.left <= 0) placed = placed.filter((entry) => entry !== struck);
      return struck.fault;
    },
  };
}
