/**
 * Runs inside the guest (README.md): pulses, a level and an output on a chip of gpio-sim, through the agent's own
 * backends. `gpio-proof.mjs sysfs` or `gpio-proof.mjs TOOLS-FOLDER`; prints a line per finding, exits 1 when one fails.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createClock } from "@pump-station/agent/linux/clock.ts";
import { createGpioChips } from "@pump-station/agent/linux/gpio/gpio.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";

const LABEL = "rig-chip";
const [backend = "sysfs", sim = ""] = process.argv.slice(2);
const timers = createTimers();
const chips = createGpioChips({
  clock: createClock(),
  timers,
  log: (level, event, fields) => console.log(`  log ${level} ${event} ${JSON.stringify(fields ?? {})}`),
  ...(backend === "sysfs" ? {} : { sysfs: "/nothing", toolPath: `${backend}:/bin:/usr/bin` }),
});
const pull = (line: number, to: "up" | "down") => writeFileSync(`${sim}/sim_gpio${line}/pull`, `pull-${to}`);
const wire = (line: number) => readFileSync(`${sim}/sim_gpio${line}/value`, "utf8").trim();
const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 100; tries++) {
    if (await holds()) return void console.log(`ok   ${backend}: ${what}`);
    await timers.sleep(100);
  }
  console.log(`FAIL ${backend}: ${what}`);
  process.exitCode = 1;
};

pull(3, "up");
const counter = await chips.countPulses(LABEL, 3, { edge: "falling", debounceMs: 10 }, () => {});
for (let pulse = 0; pulse < 20; pulse++) {
  pull(3, "down");
  await timers.sleep(50);
  pull(3, "up");
  await timers.sleep(50);
}
await until(`20 pulses counted (${counter.count()})`, () => counter.count() === 20);
await counter.close();

pull(4, "up");
const watch = await chips.watchLevel(LABEL, backend === "sysfs" ? 4 : "DOOR", { active: "low" }, () => {});
await until("a level is read as it is", async () => (await watch.level()) === 0);
pull(4, "down");
await until("a level follows its wire", async () => (await watch.level()) === 1);
await watch.close();

let lost = "";
const line = await chips.drive(LABEL, 5, { active: "high", safe: 0 }, (why) => {
  lost = why;
});
await until("an output is safe at first", () => wire(5) === "0");
await line.set(1);
await until("an output is set and reads back", async () => wire(5) === "1" && (await line.level()) === 1);
const busy = await chips
  .countPulses(LABEL, 5, { edge: "falling", debounceMs: 10 }, () => {})
  .catch((e: Error) => e.message);
console.log(`     a second use of the line: ${typeof busy === "string" ? busy : "was let in"}`);
if (backend !== "sysfs") {
  execFileSync("killall", ["-9", "gpioset"]);
  await until("an output is safe after its gpioset was killed", () => lost !== "" && wire(5) === "0");
  console.log(`     told: ${lost}`);
}
await line.close();
await until("an output is safe in the end", () => wire(5) === "0");
// What was asked for a second time may still be open.
process.exit();
