/**
 * What the boards really hold, whatever anybody says of it: registers that lose their values with the power, a pump that
 * runs, a valve that can't be opened further than somebody screwed it, and when each board was asked.
 */
import {
  createScriptedSerial,
  type Portion,
  type ScriptedSerial,
} from "@pump-station/agent/testing/scripted-serial.ts";
import type { Clock, Timers } from "@pump-station/agent/world.ts";
import { ADDRESS, type ProvenDevice } from "./description.ts";

export type Register = "devices/pump/target" | "devices/pump/mode" | "devices/valve/position";
export const REGISTERS: readonly Register[] = ["devices/pump/target", "devices/pump/mode", "devices/valve/position"];

/** What the makers thought of; the boards begin with it after each loss of power. */
const MAKERS: Readonly<Record<Register, number>> = {
  "devices/pump/target": 500,
  "devices/pump/mode": 1,
  "devices/valve/position": 20,
};
const ANSWERS_AFTER_MS = 5;
/** A board may start to pump between the agent's look and its write; what comes later was written against the lock. */
const LOCK_SLACK_MS = 2_000;
const POLLS_KEPT = 512;

export interface Hardware {
  /** In the setting's unit. */
  readonly held: Readonly<Record<Register, number>>;
  /** Whether a register held this value at any time since then (ms of the proof's clock). */
  heldSince(register: Register, value: number, sinceMs: number): boolean;
  isPowered: boolean;
  isPumping: boolean;
  /** The valve opens no further than this, %. */
  valveMax: number;
  /** Called with each write before (true: the write is lost) the board takes it, as when a process dies over it. */
  onWrite: (() => "taken" | "lost") | undefined;
  /** Settings written against the lock. */
  readonly violations: readonly string[];
  writes(): number;
  /** When this board was read, ms of the proof's clock; the newest few hundred. */
  polls(device: ProvenDevice): readonly number[];
  /** The far end of a line of one process. */
  serialFor(world: { readonly timers: Timers; readonly clock: Pick<Clock, "bootMs"> }): ScriptedSerial;
}

export function createHardware(nowMs: () => number): Hardware {
  const held: Record<Register, number> = { ...MAKERS };
  const history = new Map(REGISTERS.map((register) => [register, [{ value: MAKERS[register], fromMs: 0 }]]));
  const polls: Record<ProvenDevice, number[]> = { pump: [], valve: [], fan: [] };
  const violations: string[] = [];
  let isPowered = true;
  let pumpingSince: number | undefined;
  let writes = 0;

  const hold = (register: Register, value: number): void => {
    held[register] = value;
    history.get(register)?.push({ value, fromMs: nowMs() });
  };
  const write = (register: Register, value: number): void => {
    writes++;
    if (hardware.onWrite?.() === "lost") return;
    if (register === "devices/pump/target" && pumpingSince !== undefined && nowMs() - pumpingSince > LOCK_SLACK_MS) {
      violations.push(`target ${value} was written while the pump had run for ${nowMs() - pumpingSince} ms`);
    }
    hold(register, register === "devices/valve/position" ? Math.min(value, hardware.valveMax) : value);
  };

  const answerTo = (request: Uint8Array): Portion[] => {
    const [, address = 0, , code = 0, high = 0, low = 0] = request;
    if (!isPowered) return [];
    const say = (...body: number[]): Portion[] => [{ afterMs: ANSWERS_AFTER_MS, bytes: frame(address, body) }];
    const device = (Object.keys(ADDRESS) as ProvenDevice[]).find((name) => ADDRESS[name] === address);
    if (code === 1 && device) {
      polls[device].push(nowMs());
      if (polls[device].length > POLLS_KEPT) polls[device].shift();
    }
    switch (`${device} ${code}`) {
      case "pump 1": {
        const target = held["devices/pump/target"];
        return say(0x81, pumpingSince === undefined ? 0 : 1, target >> 8, target & 0xff, held["devices/pump/mode"]);
      }
      case "pump 2":
        write("devices/pump/target", (high << 8) | low);
        return say(0x82);
      case "pump 3":
        write("devices/pump/mode", high);
        return say(0x83);
      case "valve 1":
        return say(0x81, held["devices/valve/position"] * 2);
      case "valve 2":
        write("devices/valve/position", high / 2);
        return say(0x82);
      case "fan 1": {
        // Never twice the same, so that there is always something to send.
        const speed = Math.round(nowMs() / 1000) & 0xfff;
        return say(0x81, speed >> 8, speed & 0xff);
      }
      default:
        return [];
    }
  };

  const hardware: Hardware = {
    held,
    heldSince: (register, value, sinceMs) => {
      const all = history.get(register) ?? [];
      return all.some((entry, at) => entry.value === value && (all[at + 1]?.fromMs ?? Infinity) >= sinceMs);
    },
    get isPowered() {
      return isPowered;
    },
    set isPowered(next) {
      if (next && !isPowered) for (const register of REGISTERS) hold(register, MAKERS[register]);
      isPowered = next;
    },
    get isPumping() {
      return pumpingSince !== undefined;
    },
    set isPumping(next) {
      pumpingSince = next ? (pumpingSince ?? nowMs()) : undefined;
    },
    valveMax: 100,
    onWrite: undefined,
    violations,
    writes: () => writes,
    polls: (device) => polls[device],
    serialFor: (world) => createScriptedSerial(world, answerTo),
  };
  return hardware;
}

function frame(address: number, body: readonly number[]): Uint8Array {
  const bytes = [0xa5, address, body.length, ...body];
  return Uint8Array.of(
    ...bytes,
    bytes.reduce((sum, byte) => (sum + byte) & 0xff),
  );
}
