/** `kill -9` at any time: nothing committed is lost, nothing is stored twice, and the ledger adds up. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { addCommitted, type Committed, expectCompleteLedger, expectStoredOnce } from "./testing/committed.ts";
import { type Demo, type Part, startDemo } from "./testing/demo.ts";
import { PATIENCE_MS, until } from "./testing/programs.ts";

/** Whoever is killed while the other waits for its restart costs no time. */
const VICTIMS: readonly Part[] = [
  "the agent",
  "the bridge",
  "the agent",
  "the agent",
  "the bridge",
  "the agent",
  "the agent",
];
/** A kill falls into start, first upload or steady running. */
const MOMENT_MS_MAX = 3_000;

test("kill -9 of agent and bridge at any moment loses no committed row and stores none twice", {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
  console.log(`kills by seed ${seed}; again with: SEED=${seed} npx vitest run simulators/end-to-end/kill.test.ts`);
  const fraction = fractionsFrom(seed);
  const demo = await startDemo(onTestFinished);
  const committed: Committed = new Map();
  const killed = new Set<number>();

  for (const [at, part] of VICTIMS.entries()) {
    await until(`${part} runs again`, () => (killed.has(demo.pid(part)) ? undefined : true));
    // Every other one lives long enough to promise something; the rest may be killed while it starts.
    if (part === "the agent" && at % 2 === 0) await untilNewEpoch(demo, committed);
    await sleep(fraction() * MOMENT_MS_MAX);
    // The file is read before the kill, so that what it held was committed by then.
    if (part === "the agent") addCommitted(demo, committed);
    killed.add(demo.signal(part, "SIGKILL"));
  }
  expect(killed.size).toBe(VICTIMS.length);
  expect(epochsIn(committed), "several processes have committed rows").toBeGreaterThanOrEqual(3);

  await until("the agent answers again", () => demo.status());
  await expectStoredOnce(demo, committed);
  await expectCompleteLedger(demo);
  // What was committed between the last kills and now, too.
  await expectStoredOnce(demo, addCommitted(demo, committed));
});

const epochsIn = (committed: Committed): number => new Set([...committed.values()].map(({ epoch }) => epoch)).size;

const untilNewEpoch = (demo: Demo, before: Committed) =>
  until("the new process has committed a row", () =>
    epochsIn(addCommitted(demo, new Map(before))) > epochsIn(before) ? true : undefined,
  );

/** Mulberry32. */
function fractionsFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
