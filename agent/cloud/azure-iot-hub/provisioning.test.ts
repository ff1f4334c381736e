import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryBroker } from "../../testing/memory-mqtt.ts";
import { createSimulatedTime } from "../../testing/simulated-time.ts";
import { CloudError } from "../cloud.ts";
import { type Assignment, register } from "./provisioning.ts";

const never = new AbortController().signal;
const ASSIGNED = { status: "assigned", registrationState: { assignedHub: "h.azure-devices.net", deviceId: "gw1" } };

interface Said {
  readonly status: number;
  readonly query?: string;
  readonly body?: unknown;
}

/** A service that answers with these, one after the other, and then no more. */
function standUp(...answers: readonly Said[]) {
  const time = createSimulatedTime();
  const broker = createMemoryBroker(time);
  const heard: string[] = [];
  const left = [...answers];
  broker.subscribe("$dps/registrations/#", (topic, payload) => {
    if (topic.startsWith("$dps/registrations/res/")) return;
    heard.push(`${topic} ${new TextDecoder().decode(payload)}`);
    const answer = left.shift();
    const [, rid = ""] = /\$rid=([^&]*)/.exec(topic) ?? [];
    if (!answer) return;
    const { status, query = "", body = {} } = answer;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    broker.publish(`$dps/registrations/res/${status}/?$rid=${rid}${query}`, text);
  });
  const chance = { fraction: () => 0.5, bytes: (count: number) => new Uint8Array(count) };
  const ask = {
    scope: "0ne1",
    registration: "gw1",
    modelId: "dtmi:pump_station:station:gw1;1",
    options: { url: "mqtts://dps:8883" },
  };
  /** What it comes to within ten minutes. */
  const run = async (): Promise<Assignment | CloudError | undefined> => {
    let ended: Assignment | CloudError | undefined;
    register({ clients: broker.clients, timers: time.timers, chance }, ask, never).then(
      (assignment) => (ended = assignment),
      (error: unknown) => (ended = error instanceof CloudError ? error : undefined),
    );
    await time.advance(4_000_000);
    return ended;
  };
  return { run, heard, broker, time };
}

describe("a registration", () => {
  it("says who it is and which model, and polls with the operation's id until it is assigned", async () => {
    const wait = { status: 202, query: "&retry-after=3", body: { operationId: "4.a b", status: "assigning" } };
    const { run, heard, broker } = standUp(wait, wait, { status: 200, body: ASSIGNED });
    expect(await run()).toEqual({ hub: "h.azure-devices.net", device: "gw1" });
    expect(heard).toEqual([
      '$dps/registrations/PUT/iotdps-register/?$rid=1 {"registrationId":"gw1","payload":{"modelId":"dtmi:pump_station:station:gw1;1"}}',
      "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=4.a%20b ",
      "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=3&operationId=4.a%20b ",
    ]);
    expect(broker.connected).toEqual([]);
  });

  it.each([
    [[{ status: 401, body: { message: "no such enrolment" } }], "reprovision", "no such enrolment"],
    [
      [{ status: 200, body: { status: "failed", registrationState: { errorMessage: "no hub" } } }],
      "reprovision",
      "no hub",
    ],
    [[{ status: 200, body: ASSIGNED.registrationState }], "reprovision", "200"],
    [[{ status: 429, query: "&retry-after=40" }], "retry-after", "429"],
    [[{ status: 503, body: "" }], "retry", "503"],
    [[{ status: 202, body: {} }], "retry", "without operationId"],
    [[{ status: 200, body: "{" }], "retry", "not JSON"],
    [[], "retry", "no answer"],
    [new Array<Said>(100).fill({ status: 202, body: { operationId: "1" } }), "retry", "60 questions"],
  ] as const)("%j ends as %s", async (answers, next, words) => {
    const { run, broker } = standUp(...answers);
    const ended = await run();
    expect(ended).toMatchObject({ name: "CloudError", next });
    expect((ended as CloudError).message).toContain(words);
    expect(broker.connected).toEqual([]);
  });

  it("waits for as long as a service that is throttled says, and some", async () => {
    const ended = await standUp({ status: 429, query: "&retry-after=40" }).run();
    expect(ended).toMatchObject({ afterMs: 55_000 });
  });

  it("ends well or as a CloudError, whatever is answered", async () => {
    const answers = fc.array(
      fc.record({
        status: fc.constantFrom(200, 202, 204, 400, 401, 404, 429, 500),
        query: fc.constantFrom("", "&retry-after=0", "&retry-after=-1", "&retry-after=x", "&retry-after=999999999"),
        body: fc.oneof(fc.string(), fc.jsonValue(), fc.constant({ operationId: "1" }), fc.constant(ASSIGNED)),
      }),
      { maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(answers, async (said) => {
        const ended = await standUp(...said).run();
        if (!(ended instanceof CloudError)) expect(ended).toEqual({ hub: "h.azure-devices.net", device: "gw1" });
      }),
      { numRuns: 500 },
    );
  });
});
