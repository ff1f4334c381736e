/**
 * Who is on an I2C bus. One byte is read at each address (as `i2cdetect -r` does); at those that answer, the registers
 * in which a known chip tells its name are read, which takes writing the register's number before. Nothing else is
 * written: a chip without such a register is proposed by its address alone.
 */

import type { I2cIdentity } from "@pump-station/sensor-descriptions/i2c/i2c-spec.ts";
import type { DeviceType } from "@pump-station/sensor-descriptions/load.ts";
import type { Port } from "@pump-station/sensor-descriptions/model.ts";
import { type I2cBus, PortError } from "../../world.ts";
import { type Finding, givenFor, hexAddress, type Progress, type Scanned } from "./finding.ts";

/** 0x00–0x07 and 0x78–0x7F are reserved (UM10204, 3.1.12). */
const FIRST = 0x08;
const LAST = 0x77;
/** A register's number: more bytes would be a command, or data. */
const REGISTER_BYTES_MAX = 2;

export interface I2cScanOptions {
  /**
   * Also send the bare address as for a write, with no byte after it: finds chips that answer a read only after a
   * command. i2cdetect keeps it from 0x30–0x37 and 0x50–0x5F, where it can lock an EEPROM's protection.
   */
  readonly ping: boolean;
}

/** Throws PortError when the bus can't be used at all. */
export async function scanI2c(
  bus: I2cBus,
  port: Port,
  types: readonly DeviceType[],
  options: I2cScanOptions,
  progress: Progress,
): Promise<Scanned> {
  const chips = types.filter(({ kind }) => kind === "i2c");
  const findings: Finding[] = [];
  const notes: string[] = [];
  for (let address = FIRST; address <= LAST; address++) {
    progress(`${port.path}: ${hexAddress(address)} of ${hexAddress(LAST)}`);
    const answer = await touched(bus, address, options);
    if (answer === "stuck") {
      notes.push(`the bus hangs since ${hexAddress(address)} was read: SDA or SCL is held low; take its power away`);
      break;
    }
    if (answer === "in use")
      findings.push({
        where: hexAddress(address),
        sureness: "in use",
        because: "a driver of the kernel has it (i2cdetect: UU)",
        address,
        types: [],
      });
    if (answer === "there") findings.push(await recognised(bus, address, chips));
  }
  if (!options.ping) {
    const isSeen = (type: DeviceType): boolean =>
      findings.some(({ address }) => address !== undefined && canHave(type, address));
    const silent = chips.filter((type) => !isIdentifiable(type) && !isSeen(type)).map(({ name }) => name);
    notes.push(
      `chips that answer a read only after a command don't show (some of: ${silent.join(", ")}); --ping finds them too`,
    );
  }
  return { port, findings, notes };
}

type Touch = "there" | "nobody" | "in use" | "stuck";

async function touched(bus: I2cBus, address: number, { ping }: I2cScanOptions): Promise<Touch> {
  const read = await transferred(bus, address, 1);
  const isKept = (address >= 0x30 && address <= 0x37) || (address >= 0x50 && address <= 0x5f);
  return read === "nobody" && ping && !isKept ? transferred(bus, address, 0) : read;
}

async function transferred(bus: I2cBus, address: number, readLength: number): Promise<Touch> {
  try {
    await bus.transfer(address, new Uint8Array(0), readLength);
    return "there";
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    if (error.failure === "nack") return "nobody";
    if (error.failure === "busy") return "in use";
    if (error.failure === "stuck") return "stuck";
    throw error;
  }
}

async function recognised(bus: I2cBus, address: number, chips: readonly DeviceType[]): Promise<Finding> {
  const where = hexAddress(address);
  const candidates = chips.filter((type) => canHave(type, address));
  const identified: { readonly type: DeviceType; readonly because: string }[] = [];
  const possible: DeviceType[] = [];
  for (const type of candidates) {
    if (!isIdentifiable(type)) possible.push(type);
    else {
      const because = await identifiedBy(bus, address, identitiesOf(type));
      if (because !== undefined) identified.push({ type, because });
    }
  }
  const [first] = identified;
  if (first) {
    const types = identified.map(({ type }) => type);
    return { where, sureness: "identified", because: first.because, address, types };
  }
  if (possible.length === 0)
    return { where, sureness: "unknown", because: "no type of the catalogue has this address", address, types: [] };
  const because = "by its address alone: it has no register that tells, or only a set-up would show it";
  return { where, sureness: "possible", because, address, types: possible };
}

function canHave(type: DeviceType, address: number): boolean {
  const need = type.needs.get("address");
  return need?.oneOf ? need.oneOf.includes(address) : need?.default === address;
}

function identitiesOf(type: DeviceType): readonly I2cIdentity[] {
  const spec = type.spec(givenFor(type));
  return spec.protocol === "i2c" ? spec.identify : [];
}

const isIdentifiable = (type: DeviceType): boolean => {
  const identities = identitiesOf(type);
  return identities.length > 0 && identities.every(({ write }) => write.length <= REGISTER_BYTES_MAX);
};

/** "register D0 says 60"; undefined when one of them says otherwise. */
async function identifiedBy(
  bus: I2cBus,
  address: number,
  identities: readonly I2cIdentity[],
): Promise<string | undefined> {
  const said: string[] = [];
  for (const { write, expect, or = [], mask } of identities) {
    const bytes = await bus.transfer(address, write, expect.length).catch((error: unknown) => {
      if (error instanceof PortError) return undefined;
      throw error;
    });
    const isIt = (wanted: Uint8Array): boolean =>
      bytes?.every((byte, at) => ((byte ^ (wanted[at] ?? 0)) & (mask?.[at] ?? 0xff)) === 0) ?? false;
    if (!bytes || ![expect, ...or].some(isIt)) return undefined;
    said.push(`register ${spaced(write)} says ${spaced(bytes)}`);
  }
  return said.join(", ");
}

const spaced = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString("hex")
    .toUpperCase()
    .replaceAll(/..(?=.)/g, "$& ");
