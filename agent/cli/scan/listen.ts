/** What comes over a serial line by itself, at each speed for a while; nothing is sent. */
import type { DeviceType } from "@pump-station/sensor-descriptions/load.ts";
import type { Port, ReportRecogniser, SerialSettings } from "@pump-station/sensor-descriptions/model.ts";
import { type Finding, givenFor } from "./finding.ts";
import { lineText, type SerialScanDeps } from "./serial.ts";

const USUAL_SPEEDS = [9600, 4800, 19_200, 38_400, 57_600, 115_200];
/** Bytes of each speed that are kept to be shown. */
const SHOWN_BYTES_MAX = 32;

export async function scanByListening(
  deps: SerialScanDeps,
  port: Port,
  types: readonly DeviceType[],
  options: { readonly settings: readonly SerialSettings[]; readonly eachMs: number },
): Promise<{ readonly findings: Finding[]; readonly notes: string[] }> {
  const findings: Finding[] = [];
  const notes: string[] = [];
  for (const settings of options.settings) {
    if (deps.interrupted.aborted) break;
    deps.progress(`listens at ${lineText(settings)}`);
    const listeners = listenersAt(types, settings);
    const heard = await heardOn(deps, port, settings, options.eachMs, listeners);
    for (const { type, frames, address } of listeners) {
      if (frames.length === 0) continue;
      const because = `${frames.length} whole ${frames.length === 1 ? "frame" : "frames"} (${[...new Set(frames)].join(", ")}) in ${options.eachMs / 1000} s`;
      const where = `${address === undefined ? "" : `address ${address}, `}${lineText(settings)}`;
      findings.push({
        where,
        sureness: "identified",
        because,
        ...(address === undefined ? {} : { address }),
        types: [type],
      });
    }
    if (heard.count > 0) notes.push(`${lineText(settings)}: ${heard.count} bytes, ${shown(heard.first)}`);
  }
  return { findings, notes };
}

interface Listener {
  readonly type: DeviceType;
  readonly address?: number;
  readonly recogniser: ReportRecogniser;
  /** Names of the reports, one per whole frame. */
  readonly frames: string[];
}

function listenersAt(types: readonly DeviceType[], settings: SerialSettings): Listener[] {
  return types.flatMap((type) => {
    const given = givenFor(type);
    const protocol = type.protocol(given);
    if (protocol.kind !== "serial" || lineText(protocol.settings) !== lineText(settings)) return [];
    const address = given.get("address");
    const recogniser = protocol.listen?.(address ?? 0);
    return recogniser ? [{ type, ...(address === undefined ? {} : { address }), recogniser, frames: [] }] : [];
  });
}

async function heardOn(
  { ports, timers, interrupted }: SerialScanDeps,
  port: Port,
  settings: SerialSettings,
  forMs: number,
  listeners: readonly Listener[],
): Promise<{ readonly count: number; readonly first: Uint8Array }> {
  const line = await ports.serial.open(port.path, settings);
  const first: number[] = [];
  let count = 0;
  line.onBytes((bytes) => {
    count += bytes.length;
    first.push(...bytes.subarray(0, Math.max(0, SHOWN_BYTES_MAX - first.length)));
    for (const { recogniser, frames } of listeners) frames.push(...recogniser.push(bytes).map(({ read }) => read));
  });
  await timers.sleep(forMs, interrupted).catch(() => undefined);
  await line.close();
  return { count, first: Uint8Array.from(first) };
}

/** The speeds of the types that report, then the usual ones; of all these only those that were said, if they were. */
export function listeningSettings(
  types: readonly DeviceType[],
  speeds: readonly number[] | undefined,
): SerialSettings[] {
  const own = types.flatMap((type) => {
    const protocol = type.protocol(givenFor(type));
    const isWanted = protocol.kind === "serial" && (!speeds || speeds.includes(protocol.settings.baudRate));
    return isWanted && protocol.listen ? [protocol.settings] : [];
  });
  const usual = (speeds ?? USUAL_SPEEDS).map(
    (baudRate) => ({ baudRate, dataBits: 8, parity: "none", stopBits: 1 }) as const,
  );
  return [...new Map([...own, ...usual].map((settings) => [lineText(settings), settings])).values()];
}

/** As text when it looks like one, else in hex. */
function shown(bytes: Uint8Array): string {
  const printable = bytes.filter((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0d || byte === 0x0a);
  if (printable.length >= 0.9 * bytes.length) return `text: ${JSON.stringify(String.fromCharCode(...bytes))}`;
  return `for example ${Buffer.from(bytes)
    .toString("hex")
    .toUpperCase()
    .replaceAll(/..(?=.)/g, "$& ")}`;
}
