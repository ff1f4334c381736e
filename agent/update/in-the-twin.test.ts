import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { expect, it } from "vitest";
import { emptyStation } from "../facts.ts";
import { createMemoryCloud } from "../testing/memory-cloud.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { OWN_UPLOAD } from "../testing/twin-bench.ts";
import type { Acknowledgement } from "../twin/applied.ts";
import { createTwin } from "../twin/twin.ts";
import type { Json } from "../wire/twin-document.ts";

it("a desired description is handed on with its version, and its acknowledgement stands beside what runs", async () => {
  const time = createSimulatedTime();
  const { cloud, far } = createMemoryCloud(time);
  const aims: [Json | undefined, number][] = [];
  let acknowledgements: readonly Acknowledgement[] = [];
  const station: Station = emptyStation("lake");
  const stop = new AbortController();
  const twin = createTwin(
    {
      ...time,
      log: () => undefined,
      state: { load: () => undefined, save: () => undefined },
      station: () => station,
      apply: {
        set: async () => ({ done: "refused", reason: "" }),
        tune: () => undefined,
        setUpload: () => undefined,
        proveLink: () => undefined,
        linkProof: () => ({ acknowledged: 0, isNothingWaiting: true, isOpen: true }),
        setLive: () => ({ state: "over" }),
      },
      description: {
        aim: (desired, version) => void aims.push([desired, version]),
        acknowledgements: () => acknowledgements,
      },
      facts: () => ({ description: { hash: "h", runs: "file", problems: [] } }),
      readBack: () => undefined,
    },
    { upload: OWN_UPLOAD },
  );
  const running = twin.run(stop.signal);
  twin.onConnection(await cloud.connect(stop.signal));
  await time.advance(10_000);
  far.setDesired({ description: { url: "u" } });
  await time.advance(10_000);
  expect(aims.at(-1)).toEqual([{ url: "u" }, far.twin.documents().desired.$version]);
  const ack = { value: "h", ac: 202 as const, av: 2, ad: "downloading" };
  acknowledgements = [{ path: "description", ack, wanted: "n", since: 0 }];
  twin.changed();
  await time.advance(10_000);
  const reported = { hash: "h", runs: "file", problems: [], ...ack };
  expect(far.twin.documents().reported["description"]).toEqual(reported);
  expect(twin.status().find(({ path }) => path === "description")).toMatchObject({ desired: "n", ac: 202 });
  far.setDesired({ description: null });
  acknowledgements = [];
  await time.advance(20_000);
  expect(aims.at(-1)?.[0]).toBeUndefined();
  expect(far.twin.documents().reported["description"]).toEqual({ hash: "h", runs: "file", problems: [] });
  stop.abort();
  await running;
});
