/** How long a link setting that was rolled back waits, and how often. */
import { expect, it } from "vitest";
import { LINK_RESTS_MAX, LINK_STANDS_MS } from "../limits.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import type { Blamed } from "./link-memory.ts";
import { createLinkRest, isResting, whatNext } from "./link-rest.ts";

const HOUR_MS = 3_600_000;
const guilty = (rests = 0): Blamed => ({ value: 300, reason: "", tries: 1, rests, restedMs: 0, isGuilty: true });

function standUp(one: Blamed) {
  const { clock, advance } = createSimulatedTime();
  const memory = { blamed: { "upload/keep-alive": one } as Readonly<Record<string, Blamed>>, notes: 0 };
  const start = () =>
    createLinkRest({
      clock,
      blamed: () => memory.blamed,
      note: (blamed) => {
        memory.blamed = blamed;
        memory.notes++;
      },
    });
  let acknowledged = 0;
  /** A message is acknowledged each quarter of an hour; hours until the wait is over. */
  const hoursUntilDue = async (rest: ReturnType<typeof start>): Promise<number> => {
    rest.look(acknowledged);
    for (let quarters = 1; quarters < 2_000; quarters++) {
      await advance(HOUR_MS / 4);
      acknowledged++;
      if (rest.look(acknowledged).length > 0) return quarters / 4;
    }
    return Number.POSITIVE_INFINITY;
  };
  return { memory, advance, start, hoursUntilDue };
}

it.each([
  [0, 2],
  [1, 8],
  [2, 32],
  [3, 128],
])("after %i rests the link has to stand for %i h, of which a restart may forget one", async (rests, hours) => {
  const { memory, start, hoursUntilDue } = standUp(guilty(rests));
  expect(whatNext(guilty(rests))).toBe(`tried again once the link has stood for ${hours} h`);
  expect(await hoursUntilDue(start())).toBe(hours);
  expect(memory.notes).toBe(hours);
});

it("ends after so many rests", async () => {
  const { start, hoursUntilDue } = standUp(guilty(LINK_RESTS_MAX));
  expect(await hoursUntilDue(start())).toBe(Number.POSITIVE_INFINITY);
  expect(isResting(guilty(LINK_RESTS_MAX))).toBe(false);
  expect(whatNext(guilty(LINK_RESTS_MAX))).toBe("not tried again until it changes");
});

it("a day of silence counts for an hour, however many looks fall into it", async () => {
  const { memory, start, advance } = standUp(guilty());
  const rest = start();
  for (let hour = 0; hour < 24; hour++) {
    expect(rest.look(7)).toEqual([]);
    await advance(HOUR_MS);
  }
  expect(rest.look(8)).toEqual([]);
  expect(memory.blamed["upload/keep-alive"]?.restedMs).toBe(LINK_STANDS_MS);
});

it("what is heard while something else is on trial doesn't count", async () => {
  const { memory, start, advance } = standUp(guilty());
  const rest = start();
  rest.look(1);
  await advance(HOUR_MS);
  rest.pause();
  expect(rest.look(5)).toEqual([]);
  await advance(HOUR_MS);
  expect(rest.look(5)).toEqual([]);
  expect(memory.notes).toBe(0);
});
