import { expect, it } from "vitest";
import { type CloudConnection, CloudError } from "../cloud/cloud.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import type { JsonObject } from "../wire/twin-document.ts";
import { createReporter } from "./reporter.ts";

const HOUR_MS = 3_600_000;

const benchOf = (document: JsonObject) => {
  const time = createSimulatedTime();
  const sent: { readonly at: number; readonly patch: JsonObject }[] = [];
  let refusal: CloudError | undefined;
  const reporter = createReporter({ clock: time.clock, log: () => undefined, document: () => document });
  const connection = {
    report: async (patch: JsonObject) => {
      sent.push({ at: time.clock.bootMs(), patch });
      if (refusal) throw refusal;
      return { version: 1 };
    },
  } as unknown as CloudConnection;
  return {
    reporter,
    sent,
    refuseWith: (error: CloudError | undefined) => {
      refusal = error;
    },
    /** Sends whenever something is due. */
    live: async (ms: number) => {
      for (const end = time.clock.bootMs() + ms; time.clock.bootMs() < end; await time.advance(1_000))
        if (reporter.dueAt() <= time.clock.bootMs()) await reporter.send(connection);
    },
  };
};

it("a report that the cloud goes on refusing is repeated after a minute, then more and more seldom", async () => {
  const { reporter, sent, refuseWith, live } = benchOf({ agent: { version: "1" } });
  refuseWith(new CloudError("drop-and-report", "400"));
  reporter.remoteIs({ $version: 1 });
  await live(50_000);
  expect(sent).toHaveLength(1);
  await live(6 * HOUR_MS);
  expect(sent.length).toBeGreaterThanOrEqual(8);
  expect(sent.length).toBeLessThanOrEqual(10);

  refuseWith(undefined);
  await live(HOUR_MS + 1_000);
  expect(sent.at(-1)?.patch).toEqual({ agent: { version: "1" } });
  expect(reporter.dueAt()).toBe(Infinity);
});

it("a report at which the connection ends each time is refused without a word: it is repeated as seldom", async () => {
  const { reporter } = benchOf({ agent: { version: "1" } });
  const connection = { report: () => Promise.reject(new CloudError("reconnect", "connection closed")) };
  for (let n = 0; n < 3; n++) {
    reporter.remoteIs({ $version: 1 });
    expect(reporter.dueAt()).toBeLessThan(10_000);
    await expect(reporter.send(connection as unknown as CloudConnection)).rejects.toThrow("closed");
  }
  reporter.remoteIs({ $version: 1 });
  expect(reporter.dueAt()).toBeGreaterThanOrEqual(60_000);
});

it("a refused report isn't another one because what waits has grown", async () => {
  const document = { agent: { version: "1" }, buffer: { waiting: 1 } };
  const { reporter, sent, refuseWith, live } = benchOf(document);
  refuseWith(new CloudError("drop-and-report", "too large"));
  reporter.remoteIs({ $version: 1 });
  await live(2_000);
  document.buffer.waiting = 2;
  await live(30_000);
  expect(sent).toHaveLength(1);
});

it("a report keeps to the room that desired leaves at present", async () => {
  const schemas = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`device-${n}`, "0123456789abcdef"]));
  const { reporter, sent, live } = benchOf({ agent: { version: "1" }, schemas });
  let room = 8_192;
  reporter.remoteIs({ $version: 1 }, () => room);
  room = 1_000;
  await live(2_000);
  expect(sent.map(({ patch }) => patch)).toEqual([{ agent: { version: "1" } }]);
});
