import { expect, it } from "vitest";
import { createDatabases } from "../linux/sqlite.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import { forgetMessage, isFirstSent } from "./messages.ts";
import { createOffers } from "./offers.ts";
import { countWaiting, waitingWith } from "./rows.ts";
import { openSession } from "./session.ts";
import { createStaging } from "./staging.ts";
import { storeStaged } from "./store-staged.ts";

const SCHEMA: StreamSchema = {
  stream: "noise",
  channels: Array.from({ length: 20 }, (_, at) => ({ name: `c${at}`, kind: "gauge", unit: "V", resolution: 1 })),
};
const randomFrom = (seed: number) => () => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

it.each([
  ["the oldest go", undefined, 1],
  ["averages take their place", 600_000, 3],
])("what waits is known without looking at every row, whatever is evicted while %s (%s, seed %i)", (_, thinToMs, seed) => {
  const time = createSimulatedTime();
  const random = randomFrom(seed * 7_919);
  const deps = { databases: createDatabases(), clock: time.clock, log: () => undefined };
  const config = { path: ":memory:", bytesMax: 850_000, epoch: "0011223344556677", ...(thinToMs && { thinToMs }) };
  const session = openSession(deps, config);
  session.schemas.declare(SCHEMA);
  const declared = { schema: SCHEMA, hash: schemaHash(SCHEMA) };
  const offers = createOffers(session, time.clock, "deflated");
  const staging = createStaging(10_000);
  let [evictions, at, backlog] = [0, 0, 0];
  for (let row = 0; row < 600; row++) {
    for (let sample = 0; sample < 10; sample++) {
      const values = SCHEMA.channels.map(() => Math.round(random() * 2 ** 50));
      staging.addSample({ declared, sample: { device: "noise", bootMs: ++at * 10_000, values } });
    }
    if (random() < 0.05)
      staging.addAlarm({ device: "noise", alarm: "hot", severity: "info", active: true, bootMs: at, because: "x" });
    const { evicted } = storeStaged(session, staging);
    staging.clear();
    if (evicted) {
      evictions += 1;
      session.waiting = waitingWith(session.waiting, evicted.left, -1);
      expect(session.waiting).toEqual(countWaiting(session.tables));
    }
    // Once in a while the cloud is there: some messages are sealed, some of them accepted.
    if (row > 220 && random() < 0.02)
      for (let message = Math.floor(random() * 12); message >= 0; message--) {
        const offer = offers.next(random() < 0.5 ? "normal" : "late", "now");
        backlog = Math.max(backlog, session.waiting.backlogBytes);
        if (!offer || random() < 0.3) continue;
        const isFirst = isFirstSent(session.tables, offer.id);
        if (!forgetMessage(session.tables, offer.id) || !isFirst) continue;
        session.waiting.samples -= offer.samples;
        if (offer.lane === "late") session.waiting.backlogSamples -= offer.samples;
      }
  }
  expect(evictions).toBeGreaterThan(4);
  expect(backlog).toBeGreaterThan(0);
});
