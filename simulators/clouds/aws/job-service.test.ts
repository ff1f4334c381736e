/** The local jobs service held to the examples of AWS's developer guide ("Jobs notifications", "Jobs device MQTT API"). */
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { describe, expect, it } from "vitest";
import { createJobService } from "./job-service.ts";

const THING = "MyThing";

function bench() {
  const time = createSimulatedTime({ wallMs: 1_517_016_948_000 });
  const told: [string, JsonObject][] = [];
  const decode = (payload: Uint8Array) => JSON.parse(new TextDecoder().decode(payload)) as JsonObject;
  const service = createJobService({
    wallMs: () => time.clock.wallMs(),
    timers: time.timers,
    notify: ({ topic, payload }) => void told.push([topic.replace(`$aws/things/${THING}/jobs/`, ""), decode(payload)]),
  });
  return {
    ...time,
    jobs: service.jobs,
    create: (id: string) => service.jobs.create({ id, things: [THING], document: { operation: "test" } }),
    /** What was told since the last look: each topic with the jobs that it names. */
    heard: () =>
      told
        .splice(0)
        .map(([topic, { jobs, execution }]) => [
          topic,
          topic === "notify"
            ? Object.fromEntries(
                Object.entries(jobs as Record<string, { jobId: string }[]>).map(([status, list]) => [
                  status,
                  list.map(({ jobId }) => jobId),
                ]),
              )
            : (execution as JsonObject | undefined)?.["jobId"],
        ]),
    ask: (path: string, body: unknown = {}): JsonObject => {
      const payload = new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
      const answer = service.request({ thing: THING, path }, payload);
      return { topic: answer.topic.replace(`$aws/things/${THING}/jobs/`, ""), ...decode(answer.payload) };
    },
  };
}

describe("notifications", () => {
  it("come as in the guide's example: three jobs, the third begun before the second, one declined, one deleted", () => {
    const { jobs, create, heard, ask } = bench();
    create("job1");
    expect(heard()).toEqual([
      ["notify", { QUEUED: ["job1"] }],
      ["notify-next", "job1"],
    ]);
    create("job2");
    expect(heard()).toEqual([["notify", { QUEUED: ["job1", "job2"] }]]);
    ask("job1/update", { status: "IN_PROGRESS" });
    expect(heard()).toEqual([]);
    create("job3");
    expect(heard()).toEqual([["notify", { IN_PROGRESS: ["job1"], QUEUED: ["job2", "job3"] }]]);
    ask("job1/update", { status: "SUCCEEDED" });
    expect(heard()).toEqual([
      ["notify", { QUEUED: ["job2", "job3"] }],
      ["notify-next", "job2"],
    ]);
    ask("job3/update", { status: "IN_PROGRESS" });
    expect(heard()).toEqual([["notify-next", "job3"]]);
    ask("job2/update", { status: "REJECTED" });
    expect(heard()).toEqual([["notify", { IN_PROGRESS: ["job3"] }]]);
    jobs.remove("job3");
    expect(heard()).toEqual([
      ["notify", {}],
      ["notify-next", undefined],
    ]);
  });
});

describe("requests", () => {
  it("describes the next one with its document, or says that there is none", () => {
    const { create, ask, clock } = bench();
    expect(ask("$next/get", { clientToken: "t" })).toEqual({
      topic: "$next/get/accepted",
      timestamp: Math.floor(clock.wallMs() / 1000),
      clientToken: "t",
    });
    create("022");
    expect(ask("$next/get")).toMatchObject({
      execution: {
        jobId: "022",
        thingName: THING,
        jobDocument: { operation: "test" },
        status: "QUEUED",
        versionNumber: 1,
        executionNumber: 1,
      },
    });
    expect(ask("022/get", { includeJobDocument: false })["execution"]).not.toHaveProperty("jobDocument");
    expect(ask("get")).toMatchObject({ topic: "get/accepted", inProgressJobs: [], queuedJobs: [{ jobId: "022" }] });
  });

  it("start-next begins a queued one with its details, and leaves those of one that has begun", () => {
    const { create, ask } = bench();
    expect(ask("start-next")).not.toHaveProperty("execution");
    create("022");
    expect(ask("start-next", { statusDetails: { step: "1" } })).toMatchObject({
      execution: { status: "IN_PROGRESS", statusDetails: { step: "1" }, versionNumber: 2 },
    });
    expect(ask("start-next", { statusDetails: { step: "2" } })).toMatchObject({
      execution: { statusDetails: { step: "1" }, versionNumber: 2 },
    });
  });

  it.each([
    ["nonsense", {}, "InvalidTopic"],
    ["$next/get", "{", "InvalidJson"],
    ["none/get", {}, "ResourceNotFound"],
    ["job/update", { status: "QUEUED" }, "InvalidRequest"],
    ["job/update", { status: "FAILED", statusDetails: { a: "two\nlines" } }, "InvalidRequest"],
    ["job/update", { status: "FAILED", statusDetails: { a: "x".repeat(1_025) } }, "InvalidRequest"],
    ["job/update", { status: "FAILED", statusDetails: { "a b": "x" } }, "InvalidRequest"],
    ["job/update", { status: "IN_PROGRESS", stepTimeoutInMinutes: 10_081 }, "InvalidRequest"],
    ["job/update", { status: "FAILED", expectedVersion: 7 }, "VersionMismatch"],
  ])("%s with %j is refused as %s", (path, body, code) => {
    const { create, ask } = bench();
    create("job");
    expect(ask(path, body)).toMatchObject({ topic: `${path}/rejected`, code, message: expect.any(String) as string });
  });

  it("what has ended can't go on, and the refusal says in which state it is", () => {
    const { create, ask } = bench();
    create("job");
    ask("job/update", { status: "SUCCEEDED", statusDetails: { text: "done" } });
    expect(ask("job/update", { status: "IN_PROGRESS" })).toMatchObject({
      code: "InvalidStateTransition",
      executionState: { status: "SUCCEEDED", statusDetails: { text: "done" }, versionNumber: 2 },
    });
  });

  it("a step's time ends the execution unless another step begins; the whole has a time of its own", async () => {
    const { create, ask, jobs, advance } = bench();
    create("job");
    ask("job/update", { status: "IN_PROGRESS", stepTimeoutInMinutes: 2 });
    await advance(60_000);
    ask("job/update", { status: "IN_PROGRESS", stepTimeoutInMinutes: 2 });
    await advance(90_000);
    expect(jobs.execution("job", THING)?.status).toBe("IN_PROGRESS");
    await advance(60_000);
    expect(jobs.execution("job", THING)?.status).toBe("TIMED_OUT");
  });
});
