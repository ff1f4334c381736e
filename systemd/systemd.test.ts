import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GUARD_SCRIPT } from "@pump-station/agent/linux/gpio/safe-guard.ts";
import { AS_ON_A_BOARD } from "@pump-station/simulators/run/as-on-a-board.ts";
import { afterAll, expect, test } from "vitest";

const UNITS = ["pump-station.service", "pump-station-bridge.service"];
/** systemd's own scale: 0 (shut) to 10 (open); a unit without any hardening has 9.6. */
const EXPOSURE_MAX = 2;

const isThere = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (!isThere) console.warn("skipped: systemd-analyze is not installed (apt install systemd)");

const folder = mkdtempSync(join(tmpdir(), "pump-station-units-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const textOf = (unit: string): string => readFileSync(join(import.meta.dirname, unit), "utf8");

/** `verify` wants an ExecStart that exists: Node is wherever it runs now. The rest is the unit as it is. */
function placed(unit: string, text: string): string {
  const path = join(folder, unit);
  writeFileSync(path, text.replace("/usr/bin/node", process.execPath));
  return path;
}

function analyze(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  return { status, said: `${stdout}${stderr}`.trim() };
}

test.skipIf(!isThere).each(UNITS)("%s passes systemd-analyze verify without a word", (unit) => {
  expect(analyze("verify", "--man=no", placed(unit, textOf(unit)))).toEqual({ status: 0, said: "" });
});

test.skipIf(!isThere)("verify finds a misspelt key, so that its silence means something", () => {
  const text = textOf("pump-station.service").replace("ProtectHome=", "ProtectHme=");
  expect(analyze("verify", "--man=no", placed("misspelt.service", text)).said).toContain("ProtectHme");
});

test.skipIf(!isThere).each(UNITS)("%s leaves little exposed", (unit) => {
  const path = placed(unit, textOf(unit));
  const { status, said } = analyze(
    "security",
    "--offline=true",
    `--threshold=${EXPOSURE_MAX * 10}`,
    "--no-pager",
    path,
  );
  expect(status, said.split("\n").at(-1)).toBe(0);
});

/** Lines of a unit, comments left out: several values of one key are one list. */
function valuesOf(unit: string, key: string): string[] {
  const lines = textOf(unit).split("\n");
  return lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
}

test("the units start for ever, leave no core dump, and let V8 compile", () => {
  for (const unit of UNITS) {
    expect(valuesOf(unit, "Restart")).toEqual(["always"]);
    expect(valuesOf(unit, "StartLimitIntervalSec")).toEqual(["0"]);
    expect(valuesOf(unit, "LimitCORE")).toEqual(["0"]);
    expect(valuesOf(unit, "MemoryDenyWriteExecute")).toEqual([]);
  }
});

test("the agent keeps what its clock and its ports need", () => {
  // /proc/sys/kernel/random/boot_id is the origin of all times.
  expect(valuesOf("pump-station.service", "ProcSubset")).toEqual([]);
  const allowed = valuesOf("pump-station.service", "DeviceAllow");
  expect(allowed).toEqual(
    expect.arrayContaining(["char-ttyS rw", "char-ttyUSB rw", "char-i2c rw", "char-gpiochip rw"]),
  );
  expect(valuesOf("pump-station.service", "PrivateDevices")).toEqual([]);
});

test("an agent that hangs is ended in the way that makes outputs safe", () => {
  const [patience = ""] = valuesOf("pump-station.service", "WatchdogSec");
  expect(patience).toMatch(/^\d+min$/);
  expect(valuesOf("pump-station.service", "NotifyAccess")).toEqual(["all"]);
  const [signal = ""] = valuesOf("pump-station.service", "WatchdogSignal");
  expect(GUARD_SCRIPT).toMatch(new RegExp(`^trap : .*\\b${signal.replace("SIG", "")}\\b`, "m"));
});

test("the agent may replace its description, and not say who may send one", () => {
  expect(valuesOf("pump-station.service", "ReadWritePaths")).toEqual(["-/etc/pump-station"]);
  expect(valuesOf("pump-station.service", "ReadOnlyPaths")).toEqual([
    "-/etc/pump-station/agent.yaml -/etc/pump-station/trusted-keys",
  ]);
});

test("the agent is started as demonstrations and benchmarks start it, so that their memory is a board's", () => {
  const environment = Object.entries(AS_ON_A_BOARD.environment).map(([name, value]) => `${name}=${value}`);
  expect(valuesOf("pump-station.service", "Environment")).toEqual([environment.join(" ")]);
  const [start = ""] = valuesOf("pump-station.service", "ExecStart");
  expect(start.split(" ").filter((word) => word.startsWith("--") && word !== "--config")).toEqual(
    AS_ON_A_BOARD.nodeFlags,
  );
});

test("both units start the programs that the build makes", () => {
  expect(valuesOf("pump-station.service", "ExecStart")[0]).toMatch(/\/dist\/agent\.mjs run --config \S+\/agent\.yaml$/);
  expect(valuesOf("pump-station-bridge.service", "ExecStart")[0]).toMatch(/\/dist\/cloud-bridge\.mjs run /);
});

const FLASH = "pump-station-flash.conf";

test.skipIf(!isThere)("the drop-in that spares the flash passes verify beside its unit", () => {
  const path = placed("pump-station.service", textOf("pump-station.service"));
  mkdirSync(`${path}.d`);
  writeFileSync(join(`${path}.d`, FLASH), textOf(FLASH));
  expect(analyze("verify", "--man=no", path)).toEqual({ status: 0, said: "" });
});

test.each([
  ["ext4", "/data", "-o remount,lazytime,commit=300 /data"],
  ["xfs", "/", ""],
])("the drop-in remounts %s on %s with: %s", (type, place, mounted) => {
  const command = /^ExecStartPre=-\+\/bin\/sh -c '(.*)'$/m.exec(textOf(FLASH))?.[1] ?? "exit 1";
  const bin = mkdtempSync(join(folder, "bin-"));
  const script = (name: string, line: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  script("findmnt", `echo "${type} ${place}"`);
  script("mount", 'echo "$@"');
  // systemd.service(5): "$$" is a dollar sign, %S the folder of states.
  const shell = command.replaceAll("$$", "$").replaceAll("%S", "/var/lib");
  const { status, stdout } = spawnSync("/bin/sh", ["-c", shell], { encoding: "utf8", env: { PATH: bin } });
  expect({ status, said: stdout.trim() }).toEqual({ status: 0, said: mounted });
});
