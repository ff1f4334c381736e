import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { expect, test } from "vitest";
import { followLinks, type Link, linkTable } from "./links.ts";

const after = (looks: number, name: string): Link => {
  let left = looks;
  return { name, look: async () => (left-- > 0 ? { missing: `${left + 1} to go` } : { seen: "there" }) };
};

test("each link is looked at until it is seen, and its time is kept", async () => {
  const time = createSimulatedTime();
  const following = followLinks(time, [after(0, "bytes"), after(4, "rows")], new AbortController().signal);
  await time.advance(10_000);
  expect(await following).toEqual([
    { name: "bytes", seen: true, evidence: "there", afterMs: 0 },
    { name: "rows", seen: true, evidence: "there", afterMs: 2_000 },
  ]);
});

test("a link that isn't seen in time is named with what was missing, and a failing look is no crash", async () => {
  const time = createSimulatedTime();
  const broken: Link = { name: "broken", look: () => Promise.reject(new Error("no such table")) };
  const following = followLinks(time, [after(0, "bytes"), broken], new AbortController().signal, 3_000);
  await time.advance(3_000);
  const results = await following;
  expect(results[1]).toMatchObject({ seen: false, evidence: "Error: no such table" });
  expect(
    linkTable(results)
      .split("\n")
      .map((line) => line.trimEnd()),
  ).toEqual([
    "          link    after  evidence",
    "seen      bytes   0.0 s  there",
    "NOT SEEN  broken  3.0 s  Error: no such table",
  ]);
});

test("a link whose look hangs doesn't hold up the others", async () => {
  const time = createSimulatedTime();
  const hanging: Link = { name: "hanging", look: () => new Promise(() => undefined) };
  const following = followLinks(time, [hanging, after(0, "bytes")], new AbortController().signal, 9_000);
  await time.advance(20_000);
  expect((await following).map(({ name, seen, evidence }) => [name, seen, evidence])).toEqual([
    ["hanging", false, "no answer within 5 s"],
    ["bytes", true, "there"],
  ]);
});
