/**
 * What a reading costs the flash: bytes that reach the device, with the file system's own, for 20 channels every 10 s
 * and uploads every 15 min. The clock is simulated, the commits are real, on an ext4 of its own over a loop device
 * whose writes the kernel counts; without root from /proc/self/io, which doesn't see the file system's journal.
 *
 *   npm run bench -- flash [--hours 24] [--only NAME] [--real-time SECONDS]
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import { createLoopMedium, type DeviceWrites, loopMediumMissing } from "@pump-station/agent/testing/loop-medium.ts";
import { HOUR, LAYOUTS, type Layout, ours, readingsFrom, SAMPLE_EVERY, SECOND } from "./rig/flash-layouts.ts";

/** A month of the dearest layout, several times over. */
const MEDIUM_BYTES = 400e6;

export async function run(args: readonly string[]): Promise<void> {
  const options = { hours: { type: "string" }, only: { type: "string" }, "real-time": { type: "string" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const hours = Number(values.hours ?? 24);
  const lacking = loopMediumMissing();
  console.log(
    lacking === undefined
      ? "flash bytes per reading: all that reached a loop-mounted ext4 (4 KB blocks, noatime), its journal included"
      : `flash bytes per reading from /proc/self/io (write_bytes): ${lacking}; the file system's journal is NOT in it`,
  );
  console.log(`20 channels every 10 s for ${hours} h of simulated time, uploads every 15 min\n`);
  for (const layout of LAYOUTS) {
    if (values.only !== undefined && !layout.name.includes(values.only)) continue;
    const simulated = Math.min(hours, layout.hoursMax ?? hours) * HOUR;
    const cost = withMedium(lacking, (medium) => simulate(layout, medium, simulated));
    say(layout, cost, simulated);
  }
  if (values["real-time"] !== undefined) await atRealPace(Number(values["real-time"]) * SECOND, lacking);
}

interface Medium {
  readonly folder: string;
  written(): DeviceWrites;
}

interface Cost extends DeviceWrites {
  readonly readings: number;
}

function simulate(layout: Layout, medium: Medium, forMs: number): Cost {
  let nowMs = 0;
  const store = layout.open(join(medium.folder, "readings.db"), () => nowMs);
  const next = readingsFrom(7);
  let readings = 0;
  const before = medium.written();
  while (nowMs < forMs) {
    nowMs += SAMPLE_EVERY;
    store.take(next(), nowMs);
    store.tick(nowMs);
    readings += 20;
  }
  const after = medium.written();
  store.close();
  return {
    readings,
    bytes: after.bytes - before.bytes,
    writes: after.writes - before.writes,
    flushes: after.flushes - before.flushes,
  };
}

function say({ name, aim }: Layout, { bytes, readings, writes, flushes }: Cost, forMs: number): void {
  const days = forMs / (24 * HOUR);
  const aimed = aim === undefined ? "" : `, aim ≤ ${aim}`;
  const perDay = `${(bytes / days / 1e6).toFixed(1)} MB, ${Math.round(writes / days)} writes, ${Math.round(flushes / days)} flushes a day`;
  const shorter = forMs % (24 * HOUR) === 0 ? "" : `, over ${(forMs / HOUR).toFixed(1)} h`;
  console.log(`${name}: ${(bytes / readings).toFixed(0)} bytes per reading${aimed} (${perDay}${shorter})`);
}

/**
 * At the pace of a station ext4 writes more than a fast run shows: the log's time of change, by a commit of its journal
 * 5 s after each commit of ours (three blocks), unless it is mounted with a longer `commit=`. What fdatasync has promised
 * is on the medium either way. `lazytime` changes nothing on Linux 6.6 and later: there the time of change takes the
 * inode's version number along, which isn't lazy.
 */
async function atRealPace(forMs: number, lacking: string | undefined): Promise<void> {
  if (lacking !== undefined) return console.log(`\nat a station's own pace: ${lacking}`);
  console.log(`\nours at a station's own pace, for ${forMs / SECOND} s`);
  const mounts = [[], ["commit=300"]];
  await Promise.all([
    ...mounts.map((options) => paced(forMs, options, SAMPLE_EVERY)),
    ...mounts.map((options) => paced(forMs, options, 60 * SECOND)),
  ]);
}

async function paced(forMs: number, options: readonly string[], commitEveryMs: number): Promise<void> {
  const timers = createTimers();
  const medium = createLoopMedium(MEDIUM_BYTES, options);
  try {
    let nowMs = 0;
    const store = ours(join(medium.folder, "readings.db"), () => nowMs, commitEveryMs);
    const next = readingsFrom(7);
    const pass = (): void => {
      nowMs += SAMPLE_EVERY;
      store.take(next(), nowMs);
      store.tick(nowMs);
    };
    while (nowMs < HOUR) pass();
    const before = medium.written();
    let readings = 0;
    for (const end = nowMs + forMs; nowMs < end; readings += 20) {
      pass();
      await timers.sleep(SAMPLE_EVERY);
    }
    const bytes = medium.written().bytes - before.bytes;
    store.close();
    console.log(
      `  a commit every ${commitEveryMs / SECOND} s, mounted with ${options.join() || "ext4's defaults"}: ${(bytes / readings).toFixed(0)} bytes per reading`,
    );
  } finally {
    medium.close();
  }
}

function withMedium<T>(lacking: string | undefined, use: (medium: Medium) => T): T {
  if (lacking === undefined) {
    const medium = createLoopMedium(MEDIUM_BYTES);
    try {
      return use(medium);
    } finally {
      medium.close();
    }
  }
  const folder = mkdtempSync(join(tmpdir(), "pump-station-flash-"));
  try {
    return use({ folder, written: ownWrites });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** proc(5): bytes that this process caused to be sent to the storage layer. */
function ownWrites(): DeviceWrites {
  const bytes = Number(/^write_bytes: (\d+)/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1] ?? Number.NaN);
  return { bytes, writes: Number.NaN, flushes: Number.NaN };
}
