import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PayloadError } from "../payloads.ts";
import { callFrom, detailsFrom, jobRejectionFrom, jobReplyFrom } from "./job-payloads.ts";
import { jobTopicsOf } from "./job-topics.ts";

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe("what the jobs service sends", () => {
  it("is read as in the developer guide's examples", () => {
    const execution = {
      jobId: "022",
      thingName: "MyThing",
      jobDocument: { command: "stop", device: "pump" },
      status: "QUEUED",
      queuedAt: 1_489_096_123_309,
      lastUpdatedAt: 1_489_096_123_309,
      versionNumber: 1,
      executionNumber: 1,
    };
    const reply = jobReplyFrom(bytes({ execution, clientToken: "client-1", timestamp: 1_489_088_524_284 }));
    expect(reply).toMatchObject({ token: "client-1", execution: { job: "022", isBegun: false, version: 1 } });
    expect(reply.execution && callFrom(reply.execution)).toMatchObject({ id: "022", device: "pump", command: "stop" });
  });

  it.each([[{ timestamp: 1 }], [{ timestamp: 1, execution: {} }], [{ execution: null }]])("none waits: %j", (message) =>
    expect(jobReplyFrom(bytes(message)).execution).toBeUndefined());

  it("a document may be a text that holds JSON; another attempt is another command", () => {
    const execution = { job: "j", isBegun: false, version: 1, execution: 3, document: '{"command":"read-now"}' };
    expect(callFrom(execution)).toEqual({ id: "j.3", command: "read-now", by: "AWS IoT job" });
    expect(() => callFrom({ ...execution, document: "reboot" })).toThrow("not JSON");
    expect(() => callFrom({ ...execution, document: undefined })).toThrow("no command of this station");
  });

  it("whatever the bytes: read, or a PayloadError", () => {
    const anything = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc.jsonValue().map((execution) => bytes({ execution })),
      fc
        .record({
          jobId: fc.string(),
          versionNumber: fc.jsonValue(),
          jobDocument: fc.jsonValue(),
          code: fc.jsonValue(),
        })
        .map((execution) => bytes({ execution, ...execution })),
    );
    fc.assert(
      fc.property(anything, (payload) => {
        for (const read of [jobReplyFrom, jobRejectionFrom]) {
          try {
            const { execution } = { execution: undefined, ...read(payload) };
            if (execution) callFrom(execution);
          } catch (error) {
            if (!(error instanceof PayloadError)) throw error;
          }
        }
      }),
      { numRuns: 1_500 },
    );
  });
});

it("status details are what the API reference allows, whatever the answer", () => {
  const answer = fc.record({
    status: fc.integer({ min: 100, max: 599 }),
    text: fc.string({ unit: "binary", minLength: 1_000, maxLength: 1_100 }),
    body: fc.jsonValue(),
  });
  fc.assert(
    fc.property(answer, (given) => {
      for (const [key, value] of Object.entries(detailsFrom({ ...given, body: given.body as never }, "ps/1/x"))) {
        expect(key).toMatch(/^[a-zA-Z0-9:_-]{1,128}$/);
        expect(value).toMatch(/^[^\p{C}]+$/u);
        expect(value.length).toBeLessThanOrEqual(1_024);
      }
    }),
    { numRuns: 1_000 },
  );
});

it("topics of other things, of other APIs and of the shadow are nobody's", () => {
  const { answerOf } = jobTopicsOf("lake");
  const root = "$aws/things/lake/jobs";
  expect(answerOf(`${root}/notify-next`)).toBe("notify-next");
  expect(answerOf(`${root}/$next/get/accepted`)).toBe("get/accepted");
  expect(answerOf(`${root}/022/update/rejected`)).toBe("update/rejected");
  for (const other of [
    `${root}/notify`,
    `${root}/022/get/accepted`,
    "$aws/things/pond/jobs/notify-next",
    `${root}/a/b/update/accepted`,
  ])
    expect(answerOf(other)).toBeUndefined();
});
