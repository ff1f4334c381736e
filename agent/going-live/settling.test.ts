import { expect, it } from "vitest";
import { SETTLE_CUT_MS, SETTLE_MS } from "../limits.ts";
import { looksCut } from "./settling.ts";
import { STATION, stationFile, trialBench } from "./testing/trial-bench.ts";
import { looksTorn } from "./torn.ts";

const ONE = stationFile({ one: "" });
const MANY = stationFile(Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`valve-${at + 1}`, "every: 30s"])));
const SETTLED_MS = 2 * SETTLE_MS;

async function running() {
  const bench = trialBench();
  bench.save(ONE);
  await bench.goingLive.start();
  return bench;
}

it("a file written in pieces goes live once, when it is whole", async () => {
  const { time, save, ran, goingLive } = await running();
  for (let length = 0; length < MANY.length; length += 97) {
    save(MANY.slice(0, length));
    await time.advance(SETTLE_MS * 0.9);
    expect(ran).toHaveLength(1);
  }
  save(MANY);
  await time.advance(SETTLED_MS);
  expect(ran.map(({ devices }) => devices.length)).toEqual([1, 8]);
  expect(goingLive.status().problems).toEqual([]);
});

it("a stalled copy that stops in the middle of a line is waited for, and told as broken when it doesn't go on", async () => {
  const { time, save, ran, goingLive } = await running();
  const half = MANY.slice(0, MANY.indexOf("valve-5") + 3);
  save(half);
  await time.advance(SETTLE_CUT_MS - SETTLE_MS);
  expect(goingLive.status().problems).toEqual([]);
  save(MANY);
  await time.advance(SETTLED_MS);
  expect(ran).toHaveLength(2);
  save(half);
  await time.advance(SETTLE_CUT_MS + SETTLE_MS);
  expect(goingLive.status().runs).toBe("last good");
  expect(goingLive.status().problems).not.toEqual([]);
});

it("a copy that broke off for good is not tried by itself, though it would be a good description; a person may ask", async () => {
  const { time, save, ran, goingLive } = await running();
  save(MANY);
  await goingLive.tryNow({ keep: true });
  const half = MANY.slice(0, MANY.lastIndexOf("30s", MANY.indexOf("valve-5")) + 3);
  for (const torn of [half, half.replaceAll("30s", "40s")]) {
    save(torn);
    await time.advance(SETTLE_CUT_MS + SETTLED_MS);
    expect(ran).toHaveLength(2);
    const { runs, trial, problems } = goingLive.status();
    expect([runs, trial]).toEqual(["last good", undefined]);
    expect(problems[0]).toMatch(/^\/etc\/station\.yaml:\d+:\d+ the file stops in the middle of a line/);
  }
  await goingLive.tryNow({ keep: false });
  expect(ran.at(-1)?.devices).toHaveLength(4);
});

it("nano, cp and cat >: truncated, then written", async () => {
  const { time, save, ran, files } = await running();
  save("");
  await time.advance(SETTLE_CUT_MS / 2);
  save(MANY);
  await time.advance(SETTLED_MS);
  expect(ran).toHaveLength(2);
  expect(files.contents.has(STATION)).toBe(true);
});

it("vim, sed -i and mv: the name is gone for a moment, or shows another file", async () => {
  const { time, save, ran, files, goingLive } = await running();
  files.remove(STATION);
  await time.advance(SETTLE_MS * 2);
  expect(goingLive.status().problems).toEqual([]);
  save(MANY);
  await time.advance(SETTLED_MS);
  expect(ran).toHaveLength(2);
});

it("a file that is saved while it is loaded is loaded again", async () => {
  const { files, time } = await running();
  let isSaved = false;
  const { read } = files;
  files.read = (path) => {
    const bytes = read(path);
    // Between the station file and its device file.
    if (path === "/devices/valve.yaml" && !isSaved) {
      isSaved = true;
      files.contents.set(STATION, new TextEncoder().encode(MANY));
    }
    return bytes;
  };
  const other = trialBench({ files, time });
  await other.goingLive.start();
  await time.advance(SETTLED_MS);
  expect(other.ran.map(({ devices }) => devices.length)).toEqual([1, 8]);
});

it("a file that is being saved while the agent starts is waited for; what ran before runs meanwhile", async () => {
  const { goingLive, time, save, files, killed } = await running();
  await goingLive.stop(true);
  killed();
  save(ONE.slice(0, 40));
  const next = trialBench({ files, time });
  await next.goingLive.start();
  expect(next.ran).toHaveLength(1);
  expect(next.goingLive.status().problems).toEqual([]);
  next.save(MANY);
  await time.advance(SETTLED_MS);
  expect(next.ran.map(({ devices }) => devices.length)).toEqual([1, 8]);
});

it("looks cut: nothing, no line end, the beginning of what it was; not: what it was, or another text", () => {
  expect([undefined, "", " \n", "a: 1\nb", "a: 1\n"].map((text) => looksCut(text, "a: 1\nb: 2\n"))).toEqual([
    true,
    true,
    true,
    true,
    true,
  ]);
  expect(["a: 1\nb: 2\n", "a: 2\n", "a: 1\nb: 2\nc: 3\n"].map((text) => looksCut(text, "a: 1\nb: 2\n"))).toEqual([
    false,
    false,
    false,
  ]);
  expect(looksCut("saved without a line end", "saved without a line end")).toBe(false);
});

it("looks torn: shorter and in the middle of a line; not where the last line never ended", () => {
  expect(["a: 1\nb", "a: 1"].map((text) => looksTorn(text, "a: 1\nb: 2\n"))).toEqual([true, true]);
  expect(["a: 1\n", "a: 1\nb: 2\nc: 3", "a: 1\nb: 2\n"].map((text) => looksTorn(text, "a: 1\nb: 2\n"))).toEqual([
    false,
    false,
    false,
  ]);
  expect(looksTorn("a: 1", "a: 2\nb: 2")).toBe(false);
  expect(looksTorn("a: 2\nb", "a: 2\nb: 2")).toBe(true);
});

it("a folder of device files that may not be read is said, and what ran before goes on", async () => {
  const { files, time, goingLive } = await running();
  await goingLive.stop(true);
  const denied = Object.assign(new Error("EACCES: permission denied, scandir '/devices'"), { code: "EACCES" });
  const seenAs = {
    ...files,
    list: () => {
      throw denied;
    },
  };
  const again = trialBench({ files, time, seenAs });
  await again.goingLive.start();
  expect(again.ran.map(({ devices }) => devices.map(({ name }) => name))).toEqual([["one"]]);
  expect(again.goingLive.status().problems.join("\n")).toMatch(/permission denied, scandir .\/devices/);
});
