/** `npm start -- --check`, from outside: that it sees the chain work, and that it sees where it doesn't. */
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "vitest";
import { layoutOf } from "../run/layout.ts";
import { noted, startDemoProgram } from "./testing/demo.ts";
import { type AtEnd, PATIENCE_MS, temporaryFolder, until, untilSaid } from "./testing/programs.ts";

const LINKS = [
  "bytes on the tty",
  "a frame with its checksum",
  "I2C conversion of bme280",
  "I2C conversion of sht4x",
  "GPIO pulses",
  "a committed row",
  "sealed messages",
  "broker acknowledgement",
  "stored equals produced",
  "desired change by UART",
  "read back",
  "reported with acknowledgement",
];

function startCheck(atEnd: AtEnd, ...args: string[]) {
  const folder = temporaryFolder(atEnd);
  const layout = layoutOf(join(folder, "check"), tmpdir());
  return { layout, program: startDemoProgram(atEnd, layout, ["--check", "--data", folder, ...args]) };
}

/** Links by whether the table says that they were seen. */
function tableIn(said: string): { seen: string[]; notSeen: string[] } {
  const rows = said.split("\n").flatMap((line) => /^(seen|NOT SEEN) +(\S.*?) {2,}[\d.]+ s {2}\S/.exec(line) ?? []);
  const names = (state: string) => rows.flatMap((cell, at) => (rows[at - 1] === state && at % 3 === 2 ? [cell] : []));
  return { seen: names("seen"), notSeen: names("NOT SEEN") };
}

describe.concurrent("demo --check", { timeout: 2 * PATIENCE_MS }, () => {
  test("exits 0 once every link of the chain was seen, with evidence of each in its table", async ({
    expect,
    onTestFinished,
  }) => {
    const { program } = startCheck(onTestFinished);
    const { code, out } = await program.ended;
    expect(tableIn(out)).toEqual({ seen: LINKS, notSeen: [] });
    expect(out).toContain("Every link was seen working.");
    expect(code).toBe(0);
  });

  test("exits 1 and names the rain gauge when the station file looks for it on another pin", async ({
    expect,
    onTestFinished,
  }) => {
    const { layout, program } = startCheck(onTestFinished, "--within", "20s");
    // Written before anything starts; the hardware is wired by a file of its own.
    const text = await until("the station file is there", () => readFileSync(layout.stationFile, "utf8"));
    writeFileSync(layout.stationFile, text.replace("    pin: 17\n", "    pin: 18\n"));
    const { code, out } = await program.ended;
    const { seen, notSeen } = tableIn(out);
    expect(notSeen).toContain("GPIO pulses");
    expect(seen).toEqual(expect.arrayContaining(LINKS.slice(0, 4)));
    expect(out).toMatch(/^Not seen: .*GPIO pulses/m);
    expect(code).toBe(1);
  });

  test("exits 1 and names what only the agent could have done when the agent stands still", async ({
    expect,
    onTestFinished,
  }) => {
    const { layout, program } = startCheck(onTestFinished, "--within", "5s");
    await untilSaid(program, /Looking at each link/);
    process.kill(noted(layout)["the agent"] ?? 0, "SIGSTOP");
    const { code, out } = await program.ended;
    const { notSeen } = tableIn(out);
    expect(notSeen).toEqual(expect.arrayContaining(["stored equals produced", "reported with acknowledgement"]));
    expect(out).toMatch(/^Not seen: .*stored equals produced/m);
    expect(code).toBe(1);
  });
});
