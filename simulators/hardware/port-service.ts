/**
 * Simulated I2C buses and GPIO pins as the agent asks for them: one JSON object a line. The format is written out in
 * `agent/linux/ports/simulated-ports.ts`; in short:
 *
 *   {"id":1,"bus":"mast","transfer":{"address":118,"write":"f7","read":8}}  → {"id":1,"bytes":"…"} | {"id":1,"error":"nack"}
 *   {"id":2,"chip":"pins","watch":{"pin":17,"edge":"falling"}}              → {"id":2,"ok":true}   | {"id":2,"error":"absent"}
 *   {"id":3,"chip":"pins","level":{"pin":22}}                               → {"id":3,"level":1}   | {"id":3,"error":"absent"}
 *   {"id":4,"chip":"pins","drive":{"pin":5,"level":1}}                      → {"id":4,"ok":true}   | {"id":4,"error":"busy"}
 *   then, per edge                                                          → {"edge":{"chip":"pins","pin":17,"ms":81234.5}}
 */
import type { GpioPin } from "@pump-station/agent/world.ts";
import type { Level } from "@pump-station/sensor-descriptions/model.ts";
import type { LinePeer } from "../world.ts";
import type { I2cChips } from "./i2c-chip.ts";
import type { Edge } from "./tipping-bucket.ts";

export interface PortService {
  serve(peer: LinePeer): void;
  /** Tells everybody who watches; returns how many were told. */
  edge(chip: string, pin: GpioPin, edge: Pick<Edge, "edge" | "atMs">): number;
  /** What the hardware puts on a wire, 1 for high: an edge for those who watch, when it differs. */
  put(chip: string, pin: GpioPin, level: Level, atMs: number): void;
  /** What a wire is at: driven by the agent, else put there by the hardware, else low. */
  level(chip: string, pin: GpioPin): Level;
}

interface Watch {
  readonly peer: LinePeer;
  readonly chip: string;
  readonly pin: GpioPin;
  readonly edge: Edge["edge"] | "both";
}

/** A wire: what the hardware puts on it, and who drives it to what. */
interface Wire {
  put: Level;
  driven?: { readonly peer: LinePeer; readonly level: Level };
}

export function createPortService(deps: {
  readonly buses: ReadonlyMap<string, I2cChips>;
  readonly pins: ReadonlyMap<string, ReadonlySet<GpioPin>>;
}): PortService {
  const watches = new Map<string, Watch>();
  const wires = new Map<string, Map<GpioPin, Wire>>();
  for (const [chip, pins] of deps.pins) wires.set(chip, new Map([...pins].map((pin) => [pin, { put: 0 }])));
  const wireOf = (chip: string, pin: GpioPin): Wire | undefined => wires.get(chip)?.get(pin);
  let peers = 0;

  const answer = (peer: LinePeer, peerNumber: number, line: string) => {
    const request = requestFrom(line);
    if (!request) return peer.close();
    if (request.kind === "transfer")
      return peer.send(JSON.stringify({ id: request.id, ...transfer(request, deps.buses) }));
    const { id, chip, pin } = request;
    const wire = wireOf(chip, pin);
    if (!wire) return peer.send(JSON.stringify({ id, error: "absent" }));
    if (request.kind === "level") return peer.send(JSON.stringify({ id, level: levelOf(wire) }));
    if (request.kind === "drive") {
      if (wire.driven && wire.driven.peer !== peer) return peer.send(JSON.stringify({ id, error: "busy" }));
      wire.driven = { peer, level: request.level };
      return peer.send(JSON.stringify({ id, ok: true }));
    }
    const { edge } = request;
    watches.set(`${peerNumber} ${chip} ${pin} ${edge}`, { peer, chip, pin, edge });
    return peer.send(JSON.stringify({ id, ok: true }));
  };

  const tellEdge: PortService["edge"] = (chip, pin, { edge, atMs }) => {
    const told = [...watches.values()].filter(
      (it) => it.chip === chip && it.pin === pin && (it.edge === edge || it.edge === "both"),
    );
    for (const { peer } of told) peer.send(JSON.stringify({ edge: { chip, pin, ms: atMs } }));
    return told.length;
  };

  return {
    serve: (peer) => {
      const peerNumber = peers++;
      peer.onLine((line) => answer(peer, peerNumber, line));
      peer.onClosed(() => {
        for (const [key, watch] of watches) if (watch.peer === peer) watches.delete(key);
        for (const pins of wires.values())
          for (const wire of pins.values()) if (wire.driven?.peer === peer) delete wire.driven;
      });
    },
    edge: tellEdge,
    put: (chip, pin, level, atMs) => {
      const wire = wireOf(chip, pin);
      if (!wire || wire.put === level) return;
      wire.put = level;
      tellEdge(chip, pin, { edge: level === 1 ? "rising" : "falling", atMs });
    },
    level: (chip, pin) => {
      const wire = wireOf(chip, pin);
      return wire ? levelOf(wire) : 0;
    },
  };
}

const levelOf = ({ driven, put }: Wire): Level => driven?.level ?? put;

interface Transfer {
  readonly kind: "transfer";
  readonly id: number;
  readonly bus: string;
  readonly address: number;
  readonly write: Uint8Array;
  readonly readLength: number;
}
type OfPin = { readonly id: number; readonly chip: string; readonly pin: GpioPin };
type Request =
  | Transfer
  | (OfPin & { readonly kind: "watch"; readonly edge: Watch["edge"] })
  | (OfPin & { readonly kind: "level" })
  | (OfPin & { readonly kind: "drive"; readonly level: Level });

function transfer({ bus, address, write, readLength }: Transfer, buses: ReadonlyMap<string, I2cChips>) {
  const chips = buses.get(bus);
  if (!chips) return { error: "absent" };
  const bytes = chips.transfer(address, write, readLength);
  return bytes ? { bytes: Buffer.from(bytes).toString("hex") } : { error: "nack" };
}

/** undefined: not a request that this format knows. */
function requestFrom(line: string): Request | undefined {
  let said: unknown;
  try {
    said = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { id, bus, transfer, chip, ...asked } = fieldsOf(said);
  if (typeof id !== "number") return undefined;
  if (typeof bus === "string") {
    const { address, write, read } = fieldsOf(transfer);
    if (!isCount(address) || !isCount(read) || typeof write !== "string" || !/^(?:[0-9a-f]{2})*$/.test(write)) {
      return undefined;
    }
    return { kind: "transfer", id, bus, address, write: Uint8Array.from(Buffer.from(write, "hex")), readLength: read };
  }
  return typeof chip === "string" ? pinRequestFrom(id, chip, asked) : undefined;
}

function pinRequestFrom(id: number, chip: string, asked: Readonly<Record<string, unknown>>): Request | undefined {
  const [kind] = (["watch", "level", "drive"] as const).filter((key) => asked[key] !== undefined);
  const { pin, edge, level } = fieldsOf(kind && asked[kind]);
  if (!isCount(pin) && !isName(pin)) return undefined;
  if (kind === "level") return { kind, id, chip, pin };
  if (kind === "watch")
    return edge === "falling" || edge === "rising" || edge === "both" ? { kind, id, chip, pin, edge } : undefined;
  return kind === "drive" && (level === 0 || level === 1) ? { kind, id, chip, pin, level } : undefined;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
/** Bounded by what a transfer can be: 8 KiB in the Linux driver. */
const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 8192;
/** As long as the kernel lets a line's name be. */
const isName = (value: unknown): value is string => typeof value === "string" && value.length > 0 && value.length < 32;
