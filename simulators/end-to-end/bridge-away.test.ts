/** The bridge is away: readings wait on disk, and afterwards all of them arrive once. */
import { join } from "node:path";
import { createDatabases } from "@pump-station/agent/linux/sqlite.ts";
import { describe, test } from "vitest";
import { readOnlyDatabases } from "../host/database.ts";
import { acceptedTo } from "../run/agent-buffer.ts";
import { addCommitted, expectStoredOnce } from "./testing/committed.ts";
import { type Demo, startDemo } from "./testing/demo.ts";
import { type AtEnd, PATIENCE_MS, until } from "./testing/programs.ts";

/** More than one upload's worth, so that a bridge that is merely slow doesn't count as away. */
const WAITING_SAMPLES = 12;

describe.concurrent("a bridge that is away", { timeout: 2 * PATIENCE_MS }, () => {
  test("leaves readings waiting on disk while it hangs, and gets each of them once when it goes on", async ({
    expect,
    onTestFinished,
  }) => {
    const demo = await startDemo(onTestFinished);
    await untilUploaded(demo);
    demo.signal("the bridge", "SIGSTOP");
    await untilWaiting(demo);
    const committed = addCommitted(demo);
    expect(waitingOnDisk(demo)).toBeGreaterThanOrEqual(WAITING_SAMPLES);
    demo.signal("the bridge", "SIGCONT");
    await expectStoredOnce(demo, committed);
  });

  test("leaves readings waiting on disk while nobody listens, also through a kill of the agent, and gets each once", async ({
    expect,
    onTestFinished,
  }) => {
    const demo = await startDemo(onTestFinished);
    await untilUploaded(demo);
    const release = await keepBridgeAway(demo, onTestFinished);
    await until("the agent has noticed", async () => !(await demo.status()).uplink.connected || undefined);
    await untilWaiting(demo);
    const waited = waitingOnDisk(demo);
    const committed = addCommitted(demo);
    demo.signal("the agent", "SIGKILL");
    const restarted = await until("the agent answers again", () => demo.status());
    expect(restarted.buffer.waiting).toBeGreaterThanOrEqual(waited);
    expect(restarted.uplink.connected).toBe(false);
    release();
    await expectStoredOnce(demo, committed);
  });
});

const untilUploaded = (demo: Demo) =>
  until("a message was accepted", async () => ((await demo.status()).buffer.accepted > 0 ? true : undefined));

/** By what the agent says and by its file. */
const untilWaiting = (demo: Demo) =>
  until(`${WAITING_SAMPLES} samples wait`, async () => {
    const { waiting } = (await demo.status()).buffer;
    return waiting >= WAITING_SAMPLES && waitingOnDisk(demo) >= WAITING_SAMPLES ? true : undefined;
  });

function waitingOnDisk({ layout }: Demo): number {
  const path = `${layout.agentData}/readings.db`;
  const after = acceptedTo(readOnlyDatabases, path);
  const [found] = readOnlyDatabases.query(path, `SELECT sum(samples) AS samples FROM rows WHERE id > ${after}`);
  return Number(found?.["samples"]);
}

/** Killed, and kept from starting again by holding the lock of its folder. */
async function keepBridgeAway(demo: Demo, atEnd: AtEnd): Promise<() => void> {
  demo.signal("the bridge", "SIGKILL");
  const lock = createDatabases().open(join(demo.layout.bridge, "lock.sqlite"));
  atEnd(async () => lock.close());
  await until("the killed bridge's lock is free", () => {
    lock.exec("BEGIN EXCLUSIVE");
    return true;
  });
  return () => lock.exec("ROLLBACK");
}
