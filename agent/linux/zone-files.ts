/** Time zones from the system's zone database, package tzdata; from ICU, which costs 8 MB, where that hasn't the zone. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createIntlOffset, type ZoneOffset } from "../time-zone/time-zone.ts";
import { type OffsetSeconds, offsetsFrom } from "../time-zone/tzif.ts";

const FOLDER = "/usr/share/zoneinfo";
/** Names as the database has them; none leads out of its folder. */
const NAME = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}$/;

export function createZoneOffset(folder = FOLDER, otherwise: ZoneOffset = createIntlOffset()): ZoneOffset {
  let known: { readonly zone: string; readonly offsets: OffsetSeconds | undefined } | undefined;
  return (zone, wallMs) => {
    if (known?.zone !== zone) known = { zone, offsets: readZone(folder, zone) };
    return known.offsets ? known.offsets(Math.floor(wallMs / 1000)) * 1000 : otherwise(zone, wallMs);
  };
}

function readZone(folder: string, zone: string): OffsetSeconds | undefined {
  if (!NAME.test(zone)) return undefined;
  try {
    return offsetsFrom(readFileSync(join(folder, zone)));
  } catch {
    return undefined; // No such package, or a zone that is newer than it.
  }
}
