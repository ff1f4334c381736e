/** The station file is edited while the station runs: ports that are missing, lines that are broken. */
import { readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Readings } from "@pump-station/cloud-bridge/api/contract.ts";
import { describe, test } from "vitest";
import { textFiles } from "../host/files.ts";
import { type Demo, startDemo } from "./testing/demo.ts";
import { PATIENCE_MS, until } from "./testing/programs.ts";

const OTHERS = ["climate", "cabinet", "rain"] as const;
const PORT = /serial: ".*"/;
const BROKEN = (text: string) => text.replace("    type: pump-mk2", "    type: pump-mk9");

describe.concurrent("the station file", { timeout: 2 * PATIENCE_MS }, () => {
  test("with a port that isn't there: its device says so, the others go on, and it comes back by itself", async ({
    expect,
    onTestFinished,
  }) => {
    const demo = await startDemo(onTestFinished);
    await untilHealth(demo, "good");
    const elsewhere = join(demo.layout.terminals, "elsewhere");
    demo.editStationFile((text) => text.replace(PORT, `serial: ${JSON.stringify(elsewhere)}`));
    await untilHealth(demo, "port-absent");
    const missing = await until("its reason is stored", async () => newest(await demo.readings("pump"), "port-absent"));
    const missedMs = Date.now();
    for (const other of OTHERS) await untilNewerThan(demo, other, missedMs);
    expect((await demo.device("pump"))?.lastError).toContain(elsewhere);

    // As when the plug is put in: nobody touches the file, and nobody starts anything again.
    symlinkSync(readlinkSync(join(demo.layout.terminals, "baseboard")), elsewhere);
    await untilHealth(demo, "good");
    const back = await until("it is stored again", async () => newest(await demo.readings("pump"), "value"));
    expect(back.time).toBeGreaterThan(missing.time);
  });

  test("with a port that isn't there: the device comes back when the line is put back", async ({ onTestFinished }) => {
    const demo = await startDemo(onTestFinished);
    const line = PORT.exec(textFiles.read(demo.layout.stationFile) ?? "")?.[0] ?? "";
    demo.editStationFile((text) => text.replace(PORT, 'serial: "/dev/no-such-port"'));
    await untilHealth(demo, "port-absent");
    demo.editStationFile((text) => text.replace(PORT, line));
    await untilHealth(demo, "good");
  });

  test("saved broken: the last good one runs, said with file and line, also after a kill -9", async ({
    expect,
    onTestFinished,
  }) => {
    const demo = await startDemo(onTestFinished);
    await untilHealth(demo, "good");
    const { hash } = (await demo.status()).description;
    demo.editStationFile(BROKEN);
    const expected = { runs: "last good", hash, problems: [expect.stringMatching(BROKEN_LINE)] };
    const isSaid = async (what: string) =>
      until(what, async () => {
        const { runs, hash, problems } = (await demo.status()).description;
        return runs === "last good" ? { runs, hash, problems: [problems.join("\n")] } : undefined;
      });
    expect(await isSaid("the broken file is noticed")).toEqual(expected);
    await untilFlowing(demo);

    const before = (await demo.status()).buffer.epoch;
    demo.signal("the agent", "SIGKILL");
    await until("another agent answers", async () =>
      (await demo.status()).buffer.epoch !== before ? true : undefined,
    );
    expect(await isSaid("the last good one runs again")).toEqual(expected);
    await untilFlowing(demo);
    const { out } = await demo.cli("status");
    expect(out).toMatch(/is broken; the last good one runs[\s\S]*station\.yaml:\d+:\d+/);
  });

  test("broken from the start: the agent connects, reports the problems, reads nothing, and waits for a better one", async ({
    expect,
    onTestFinished,
  }) => {
    const demo = await startDemo(onTestFinished, ({ stationFile }) =>
      textFiles.write(stationFile, "format: 1\nstation: demo-lake\ndevices: [\n"),
    );
    const reported = await until("it is reported", async () => {
      const { description } = (await demo.twin()).reported;
      return description as { runs: string; problems: string[] } | undefined;
    });
    expect(reported.runs).toBe("nothing");
    expect(reported.problems.join("\n")).toMatch(/station\.yaml:\d+:\d+ /);
    const status = await demo.status();
    expect(status.uplink.connected).toBe(true);
    expect(status.devices).toEqual([]);
    expect(status.buffer.produced).toBe(0);

    // What the hardware is wired by is a good station file, too.
    demo.editStationFile(() => textFiles.read(demo.layout.wiredFile) ?? "");
    await untilHealth(demo, "good");
    expect((await demo.status()).description).toMatchObject({ runs: "file", problems: [] });
  });
});

const BROKEN_LINE = /station\.yaml:21:\d+ .*pump-mk9/;

/** The same by three ways: the control socket, the reported twin, and the readings that are stored. */
async function untilHealth(demo: Demo, health: string): Promise<void> {
  await until(`status says that the pump is ${health}`, async () =>
    (await demo.device("pump"))?.health === health ? true : undefined,
  );
  await until(`the twin reports that the pump is ${health}`, async () => {
    const { devices } = (await demo.twin()).reported as { devices?: Record<string, { health?: string }> };
    return devices?.["pump"]?.health === health ? true : undefined;
  });
}

/** The newest row, if it holds that. */
function newest({ rows }: Readings, what: "value" | "port-absent"): { time: number } | undefined {
  const [time = 0, , , ...values] = rows.at(-1) ?? [];
  const is = (value: number | string) => (what === "value" ? typeof value === "number" : value === what);
  return values.length > 0 && values.every(is) ? { time } : undefined;
}

const untilNewerThan = (demo: Demo, device: string, time: number) =>
  until(`a newer sample of ${device} with values is stored`, async () => {
    const found = newest(await demo.readings(device), "value");
    return found && found.time > time ? true : undefined;
  });

/** Samples of every device that were taken from now on arrive. */
async function untilFlowing(demo: Demo): Promise<void> {
  const now = Date.now();
  await Promise.all(["pump", ...OTHERS].map((device) => untilNewerThan(demo, device, now)));
}
