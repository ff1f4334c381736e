/**
 * Explains what a device sends and is sent, by its description. Nothing is decoded a second time here: frames, fields
 * and formulas are read by what reads them in the agent, and only put into words.
 */
import { compileProtocol } from "../compile.ts";
import type { DeviceType } from "../load/device-type.ts";
import type { Example } from "../load/examples-of-type.ts";
import { levelOf } from "../pins/levels.ts";
import type { ProtocolSpec } from "../spec.ts";
import { EXPLAINED_BYTES_MAX, type Explanation } from "./explanation.ts";
import { type Asked, explainFramed } from "./framed.ts";
import { explainReadBytes, explainTransfers } from "./i2c.ts";
import { explainLines } from "./lines.ts";
import { explainModbus } from "./modbus.ts";
import { explainLevel, explainPulses } from "./pins.ts";

/** Requests, answers and reports, with noise around them. Never throws for any bytes; a pin has none. */
export function explainBytes(spec: ProtocolSpec, asked: Asked, bytes: Uint8Array): Explanation {
  const some = bytes.subarray(0, EXPLAINED_BYTES_MAX);
  switch (spec.protocol) {
    case "framed":
      return explainFramed(spec, asked, some);
    case "lines":
      return explainLines(spec, asked, some);
    case "modbus-rtu":
    case "modbus-ascii":
      return explainModbus(spec, asked, some);
    case "i2c":
      return explainReadBytes(spec, some);
    case "pulses":
    case "levels":
    case "outputs":
      return {
        what: ["a pin has no bytes"],
        sections: [],
        computed: [],
        values: new Map(),
        wrong: ["a pin has no bytes"],
      };
  }
}

/** What an example of the device file shows: request and answer, transfers, counts. */
export function explainExample(
  type: DeviceType,
  { given, shows, sent, answer, line, transfers }: Example,
): readonly Explanation[] {
  const spec = type.spec(given);
  const address = given.get("address") ?? 0;
  if (shows.kind === "transfers") return spec.protocol === "i2c" ? [explainTransfers(spec, shows.transfers)] : [];
  if (spec.protocol === "i2c")
    return transfers && (shows.kind === "set" || shows.kind === "command")
      ? [explainTransfers(spec, transfers, shows)]
      : [];
  if (shows.kind === "pulses") return spec.protocol === "pulses" ? [explainPulses(spec, shows)] : [];
  if (spec.protocol === "levels" || spec.protocol === "outputs")
    return line === undefined ? [] : [explainLevel(spec, levelOf(line, spec.active))];
  if (shows.kind === "line") return [];
  const asked: Asked = { address, wanted: shownName(shows) };
  return [sent, answer].flatMap((bytes) => (bytes === undefined ? [] : [explainBytes(spec, asked, bytes)]));
}

function shownName(shows: Extract<Example["shows"], { kind: "read" | "set" | "command" | "set-up" }>): string {
  switch (shows.kind) {
    case "read":
      return `read ${shows.read}`;
    case "set":
      return `set ${shows.setting}`;
    case "command":
      return `command ${shows.command}`;
    case "set-up":
      return `set-up ${shows.step}`;
  }
}

export interface Request {
  /** "read status" */
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** What would be sent for each read; nothing for what the device sends by itself. */
export function requestsOf(spec: ProtocolSpec, address: number): readonly Request[] {
  const protocol = compileProtocol(spec);
  if (protocol.kind !== "serial") return [];
  return protocol.reads.flatMap(({ name, isReport }) =>
    isReport ? [] : [{ what: `read ${name}`, bytes: protocol.read(address, name, () => 0).request }],
  );
}
