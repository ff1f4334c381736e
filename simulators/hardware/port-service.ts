/**
 * Simulated I2C buses and GPIO pins as the agent asks for them: one JSON object a line. The format is written out in
 * `agent/linux/simulated-ports.ts`; in short:
 *
 *   {"id":1,"bus":"mast","transfer":{"address":118,"write":"f7","read":8}}  → {"id":1,"bytes":"…"} | {"id":1,"error":"nack"}
 *   {"id":2,"chip":"pins","watch":{"pin":17,"edge":"falling"}}              → {"id":2,"ok":true}   | {"id":2,"error":"absent"}
 *   then, per edge                                                          → {"edge":{"chip":"pins","pin":17,"ms":81234.5}}
 */
import type { LinePeer } from "../world.ts";
import type { I2cChips } from "./i2c-chip.ts";
import type { Edge } from "./tipping-bucket.ts";

export interface PortService {
  serve(peer: LinePeer): void;
  /** Tells everybody who watches; returns how many were told. */
  edge(chip: string, pin: number, edge: Edge): number;
}

interface Watch {
  readonly peer: LinePeer;
  readonly chip: string;
  readonly pin: number;
  readonly edge: Edge["edge"];
}

export function createPortService(deps: {
  readonly buses: ReadonlyMap<string, I2cChips>;
  readonly pins: ReadonlyMap<string, ReadonlySet<number>>;
}): PortService {
  const watches = new Map<string, Watch>();
  let peers = 0;

  const answer = (peer: LinePeer, peerNumber: number, line: string) => {
    const request = requestFrom(line);
    if (!request) return peer.close();
    if (request.kind === "transfer")
      return peer.send(JSON.stringify({ id: request.id, ...transfer(request, deps.buses) }));
    const { id, chip, pin, edge } = request;
    if (!deps.pins.get(chip)?.has(pin)) return peer.send(JSON.stringify({ id, error: "absent" }));
    watches.set(`${peerNumber} ${chip} ${pin} ${edge}`, { peer, chip, pin, edge });
    return peer.send(JSON.stringify({ id, ok: true }));
  };

  return {
    serve: (peer) => {
      const peerNumber = peers++;
      peer.onLine((line) => answer(peer, peerNumber, line));
      peer.onClosed(() => {
        for (const [key, watch] of watches) if (watch.peer === peer) watches.delete(key);
      });
    },
    edge: (chip, pin, { edge, atMs }) => {
      const told = [...watches.values()].filter((it) => it.chip === chip && it.pin === pin && it.edge === edge);
      for (const { peer } of told) peer.send(JSON.stringify({ edge: { chip, pin, ms: atMs } }));
      return told.length;
    },
  };
}

interface Transfer {
  readonly kind: "transfer";
  readonly id: number;
  readonly bus: string;
  readonly address: number;
  readonly write: Uint8Array;
  readonly readLength: number;
}
type Request = Transfer | ({ readonly kind: "watch"; readonly id: number } & Omit<Watch, "peer">);

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
  const { id, bus, transfer, chip, watch } = fieldsOf(said);
  if (typeof id !== "number") return undefined;
  if (typeof bus === "string") {
    const { address, write, read } = fieldsOf(transfer);
    if (!isCount(address) || !isCount(read) || typeof write !== "string" || !/^(?:[0-9a-f]{2})*$/.test(write)) {
      return undefined;
    }
    return { kind: "transfer", id, bus, address, write: Uint8Array.from(Buffer.from(write, "hex")), readLength: read };
  }
  const { pin, edge } = fieldsOf(watch);
  if (typeof chip !== "string" || !isCount(pin) || (edge !== "falling" && edge !== "rising")) return undefined;
  return { kind: "watch", id, chip, pin, edge };
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
/** Bounded by what a transfer can be: 8 KiB in the Linux driver. */
const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 8192;
