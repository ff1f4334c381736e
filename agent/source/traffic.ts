/** The newest bytes of each conversation with a device, for `explain`: one of each kind, bounded, and never more. */
import type { Level } from "@pump-station/sensor-descriptions/model.ts";
import { TRAFFIC_BYTES_MAX, TRAFFIC_KINDS_MAX, TRAFFIC_TRANSFERS_MAX } from "../limits.ts";

export interface Exchanged {
  /** "read status", "set target", "report wind". */
  readonly what: string;
  /** Empty for a report. */
  readonly sent: Uint8Array;
  /** All that was heard until it ended, echo taken off. */
  readonly heard: Uint8Array;
  /** When it began; of a report, when it was heard. */
  readonly bootMs: number;
  /** "answer", "timeout", … and what was heard instead. */
  readonly ended: string;
}

export interface Transferred {
  readonly write: Uint8Array;
  readonly read: Uint8Array;
  /** What the bus said instead of an answer. */
  readonly failed?: string;
}

/** Newest conversations of one device; what it has none of is left out. */
export interface DeviceTraffic {
  readonly exchanges: readonly Exchanged[];
  /** Of the last preparation, and of the last measurement. */
  readonly transfers?: {
    readonly bootMs: number;
    readonly prepared: readonly Transferred[];
    readonly measured: readonly Transferred[];
  };
  readonly pulses?: {
    readonly bootMs: number;
    readonly total: number;
    readonly since: number;
    readonly sinceMs: number;
  };
  readonly level?: { readonly bootMs: number; readonly level: Level };
}

export interface Traffic {
  begin(what: string, sent: Uint8Array, bootMs: number): { heard(bytes: Uint8Array): void; ended(how: string): void };
  report(what: string, frame: Uint8Array, bootMs: number): void;
  /** A conversation with a chip begins; `transfer` adds to it. */
  conversation(phase: "prepared" | "measured", bootMs: number): void;
  transfer(transferred: Transferred): void;
  pulses(pulses: NonNullable<DeviceTraffic["pulses"]>): void;
  level(level: Level, bootMs: number): void;
  read(): DeviceTraffic;
}

export function createTraffic(): Traffic {
  const exchanges = new Map<string, Exchanged>();
  const keep = (one: Exchanged): void => {
    if (exchanges.has(one.what) || exchanges.size < TRAFFIC_KINDS_MAX) exchanges.set(one.what, one);
  };
  let chip:
    | { bootMs: number; prepared: Transferred[]; measured: Transferred[]; phase: "prepared" | "measured" }
    | undefined;
  let pulses: DeviceTraffic["pulses"];
  let level: DeviceTraffic["level"];
  return {
    begin: (what, sent, bootMs) => {
      const portions: Uint8Array[] = [];
      let length = 0;
      return {
        heard: (bytes) => {
          const some = bytes.slice(0, TRAFFIC_BYTES_MAX - length);
          length += some.length;
          if (some.length > 0) portions.push(some);
        },
        ended: (how) => keep({ what, sent, heard: joined(portions, length), bootMs, ended: how }),
      };
    },
    report: (what, frame, bootMs) =>
      keep({ what, sent: NOTHING, heard: frame.slice(0, TRAFFIC_BYTES_MAX), bootMs, ended: "report" }),
    conversation: (phase, bootMs) => {
      chip = { prepared: phase === "prepared" ? [] : (chip?.prepared ?? []), measured: [], bootMs, phase };
    },
    transfer: (transferred) => {
      const list = chip?.[chip.phase];
      if (list && list.length < TRAFFIC_TRANSFERS_MAX) list.push(transferred);
    },
    pulses: (counted) => (pulses = counted),
    level: (now, bootMs) => (level = { level: now, bootMs }),
    read: () => ({
      exchanges: [...exchanges.values()],
      ...(chip ? { transfers: { bootMs: chip.bootMs, prepared: chip.prepared, measured: chip.measured } } : {}),
      ...(pulses ? { pulses } : {}),
      ...(level ? { level } : {}),
    }),
  };
}

const NOTHING = new Uint8Array();

function joined(portions: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = portions;
  if (first !== undefined && portions.length === 1) return first;
  const all = new Uint8Array(length);
  let at = 0;
  for (const portion of portions) {
    all.set(portion, at);
    at += portion.length;
  }
  return all;
}
