/** `npm start -- --replay FILE.csv`, from outside: a recording goes through the whole chain, and a difference is seen. */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "vitest";
import { layoutOf } from "../run/layout.ts";
import { startDemoProgram } from "./testing/demo.ts";
import { type AtEnd, PATIENCE_MS, temporaryFolder, untilSaid } from "./testing/programs.ts";

const ROWS = 120;
const HEADER = "datetime;Accelerometer1RMS;Current;Pressure;Temperature;Voltage;Volume Flow RateRMS;anomaly;remark";

/** As a data logger writes: seven decimals, below zero, clock put forward and back, labels in numbers and words. */
function recording(): string[] {
  return Array.from({ length: ROWS }, (_, row) => {
    const jumps = (row > 40 ? 10_800_000 : 0) - (row > 80 ? 3_600_000 : 0);
    const time = new Date(Date.UTC(2026, 2, 29) + row * 1_000 + jumps).toISOString().replace("T", " ").slice(0, 19);
    const wave = (column: number, high: number) => high * Math.sin((row + 1) * (column + 1) * 0.7371);
    const cells = [
      wave(1, 0.0271).toFixed(7),
      wave(2, 3).toFixed(7),
      wave(3, 200).toFixed(7),
      (-70 - wave(4, 9)).toFixed(5),
      (230 + wave(5, 12)).toFixed(3),
      `${row % 33}.0`,
    ];
    return [time, ...cells, row % 50 === 49 ? "1.0" : "0.0", row > 90 ? "valve half closed" : "normal"].join(";");
  });
}

function startReplay(atEnd: AtEnd) {
  const folder = temporaryFolder(atEnd);
  const file = join(folder, "recorded.csv");
  const write = (rows: readonly string[]) => writeFileSync(file, [HEADER, ...rows, ""].join("\n"));
  write(recording());
  const layout = layoutOf(join(folder, "replay"), tmpdir());
  return { write, program: startDemoProgram(atEnd, layout, ["--replay", file, "--data", folder]) };
}

describe.concurrent("demo --replay", { timeout: PATIENCE_MS }, () => {
  test("brings each row once, in order and with every value, from the CSV file to the bridge", async ({
    expect,
    onTestFinished,
  }) => {
    const { program } = startReplay(onTestFinished);
    const { code, out } = await program.ended;
    expect(out).toContain('column "remark" is left out');
    expect(out).toContain(`${ROWS} rows of 6 columns`);
    expect(out).toContain(`all ${ROWS * 6} values equal the recorded ones at the declared resolution`);
    expect(code).toBe(0);
  });

  test("exits 1 and names row and column when what arrived is not what was recorded", async ({
    expect,
    onTestFinished,
  }) => {
    const { write, program } = startReplay(onTestFinished);
    // The baseboard is a process of its own and opens the file later than the one that compares.
    await untilSaid(program, /120 rows of 6 columns/);
    write(recording().map((line, row) => (row === 99 ? line.replace(/;[^;]+/, ";0.0123456") : line)));
    const { code, out } = await program.ended;
    expect(out).toMatch(/row 100: accelerometer-1-rms is 0\.0123456, recorded was -?0\.0\d+/);
    expect(out).toContain("1 differences from the recording");
    expect(code).toBe(1);
  });
});
