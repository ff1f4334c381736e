/** Desired = running = reported, or refused with a reason; judged from outside. Pure. */
import { isObject, type Json, type JsonObject, type TwinDocuments } from "@pump-station/agent/wire/twin-document.ts";
import { OWN_EVERY_S, OWN_UPLOAD_S } from "./description.ts";
import { digestByCloud } from "./digest.ts";
import { expectedOf, MODES } from "./expected.ts";
import { type Hardware, REGISTERS, type Register } from "./hardware.ts";

export interface Disagreement {
  readonly text: string;
  /** A 500 with a reason, which a process that ended while applying leaves behind: right until somebody desires anew. */
  readonly isAfterCrash?: boolean;
}

export interface Facts {
  readonly documents: TwinDocuments;
  readonly hardware: Pick<Hardware, "held" | "valveMax">;
  /** The version that gave each path its value. */
  readonly versionOf: (path: string) => number;
  readonly mayBeAfterCrash: boolean;
}

interface Ack {
  readonly value: Json;
  readonly ac: number;
  readonly av: number;
  readonly ad: string;
}

/** All that isn't as promised; empty when everything has converged. */
export function disagreements(facts: Facts): readonly Disagreement[] {
  const { documents, hardware } = facts;
  const expected = expectedOf(documents.desired);
  const found: Disagreement[] = [];
  const say = (text: string, isAfterCrash = false): void =>
    void found.push({ text, ...(isAfterCrash && { isAfterCrash }) });

  for (const item of expected) {
    const ack = ackAt(documents.reported, item.path);
    if (!ack) {
      if (item.does !== "live") say(`${item.path}: nothing is acknowledged`);
      continue;
    }
    const words = `${item.path}: ${JSON.stringify(ack)}`;
    if (ack.av < facts.versionOf(item.path) || ack.av > documents.desired.$version) {
      say(`${words} answers another version than ${facts.versionOf(item.path)} to ${documents.desired.$version}`);
    } else if (item.does === "refuse") {
      if ((ack.ac !== 400 && ack.ac !== 500) || ack.ad === "") say(`${words}, but it had to be refused with a reason`);
    } else if (item.does === "run") {
      const held = isRegister(item.path) ? hardware.held[item.path] : undefined;
      const canHold = item.path === "devices/valve/position" ? Math.min(item.value, hardware.valveMax) : item.value;
      if (ack.ac === 500 && ack.ad !== "" && facts.mayBeAfterCrash && canHold === item.value) {
        say(`${words}, after a crash`, true);
      } else if (canHold !== item.value) {
        if ((ack.ac !== 400 && ack.ac !== 500) || ack.ad === "" || ack.value !== held || held !== canHold) {
          say(`${words}, but the hardware can't go beyond ${canHold} and holds ${held}`);
        }
      } else if (held !== undefined && held !== item.value)
        say(`${words}: desired ${item.value}, the hardware holds ${held}`);
      else if (ack.ac !== 200 || ack.value !== item.said) say(`${words}: desired ${JSON.stringify(item.said)}`);
    }
  }
  const asked = new Set(expected.map(({ path }) => path));
  for (const [path, value] of ownValues(hardware.held)) {
    // A device that is desired to be 7 is answered as a whole.
    if ([...asked].some((other) => path === other || path.startsWith(`${other}/`))) continue;
    const ack = ackAt(documents.reported, path);
    if (ack?.ac !== 203 || ack.value !== value) {
      say(
        `${path}: nobody desires anything, ${JSON.stringify(value)} runs, and ${JSON.stringify(ack ?? null)} is reported`,
      );
    }
  }
  for (const [path, ack] of acksIn(documents.reported)) {
    if (ack.ac !== 203 && !asked.has(path) && path !== "live")
      say(`${path}: ${JSON.stringify(ack)} answers what nobody desires`);
  }
  const digest = digestByCloud(documents.desired, (path) => ackAt(documents.reported, path)?.ac);
  const told = digestIn(documents.reported);
  if (told !== digest) say(`twin/digest: ${JSON.stringify(told)} is reported, the cloud computes ${digest}`);
  return found;
}

const digestIn = ({ twin }: JsonObject): Json => (isObject(twin) ? (twin["digest"] ?? null) : null);

/** Settings of hardware that are said to run (200) although they haven't held that value since then. */
export function untruths(
  reported: JsonObject,
  hardware: Pick<Hardware, "heldSince">,
  sinceMs: number,
): readonly string[] {
  return REGISTERS.flatMap((register) => {
    const ack = ackAt(reported, register);
    if (ack?.ac !== 200) return [];
    const value = numberOf(register, ack.value);
    return hardware.heldSince(register, value, sinceMs) ? [] : [`${register}: ${JSON.stringify(ack)} doesn't run`];
  });
}

export function ackAt(reported: JsonObject, path: string): Ack | undefined {
  let place: Json | undefined = reported;
  for (const key of path.split("/")) place = isObject(place) && Object.hasOwn(place, key) ? place[key] : undefined;
  return ackFrom(place);
}

function ackFrom(value: Json | undefined): Ack | undefined {
  if (!isObject(value)) return undefined;
  const { ac, av, ad } = value;
  if (typeof ac !== "number") return undefined;
  return {
    value: value["value"] ?? null,
    ac,
    av: typeof av === "number" ? av : -1,
    ad: typeof ad === "string" ? ad : "",
  };
}

function* acksIn(value: Json | undefined, path = ""): Generator<[string, Ack]> {
  if (!isObject(value)) return;
  const ack = ackFrom(value);
  if (ack) yield [path, ack];
  for (const [key, inner] of Object.entries(value)) yield* acksIn(inner, path === "" ? key : `${path}/${key}`);
}

function* ownValues(held: Hardware["held"]): Generator<[string, Json]> {
  for (const register of REGISTERS) {
    yield [register, register === "devices/pump/mode" ? (MODES[held[register]] ?? null) : held[register]];
  }
  for (const device of ["pump", "valve", "fan"]) yield [`devices/${device}/every`, OWN_EVERY_S];
  yield ["upload/interval", OWN_UPLOAD_S];
}

const isRegister = (path: string): path is Register => (REGISTERS as readonly string[]).includes(path);
const numberOf = (register: Register, value: Json): number =>
  register === "devices/pump/mode" && typeof value === "string"
    ? MODES.findIndex((name) => name === value)
    : Number(value);
