import { describe, expect, it } from "vitest";
import { createServiceApi } from "./service-api.ts";
import { STATION, standUp } from "./testing/stand-up.ts";
import { createThings } from "./things.ts";

const never = new AbortController().signal;

async function start() {
  const stood = standUp();
  const connection = await stood.cloud.connect(never);
  const things = createThings(stood.clock, []);
  things.register(STATION);
  const api = createServiceApi({ aws: stood.aws, things });
  const ask = (method: string, url: string, body?: unknown) =>
    api({ method, url, body: body === undefined ? "" : JSON.stringify(body) });
  return { ...stood, connection, things, ask };
}

describe("the service API", () => {
  it("sets, gets and deletes a shadow as AWS's own does, and says its refusals", async () => {
    const { ask } = await start();
    const url = `/things/${STATION}/shadow`;
    expect(await ask("POST", url, { state: { desired: { a: 1 } }, version: 1 })).toMatchObject({
      json: { version: 2 },
    });
    expect(await ask("POST", url, { state: { desired: { a: 1 } }, version: 1 })).toMatchObject({ status: 409 });
    expect(await ask("GET", url)).toMatchObject({ status: 200, json: { state: { desired: { a: 1 } }, version: 2 } });
    expect(await ask("GET", `${url}?name=other`)).toMatchObject({ status: 404 });
    expect(await ask("DELETE", url)).toMatchObject({ status: 200, json: { version: 2 } });
    expect(await ask("GET", url)).toMatchObject({ status: 404 });
    expect(await ask("PUT", url)).toMatchObject({ status: 405 });
  });

  it("passes a command on and answers with what the station says", async () => {
    const { ask, connection } = await start();
    connection.onCommand(async ({ device, command }) => ({ status: 200, text: `${device} ${command}` }));
    const answer = await ask("POST", `/things/${STATION}/command`, { device: "pump", command: "stop" });
    expect(answer).toEqual({ status: 200, json: { status: 200, text: "pump stop" } });
  });

  it("a command that nobody answers ends as 504 after a minute", async () => {
    const { ask, advance } = await start();
    const answer = ask("POST", "/things/nobody/command", { command: "stop" });
    await advance(60_001);
    expect(await answer).toMatchObject({ status: 504 });
  });

  it("lists events since a number, with payloads as JSON or base64, and who is connected", async () => {
    const { ask, connection } = await start();
    await connection.publish({ lane: "late", properties: { k: "v" }, payload: Uint8Array.of(255) });
    const all = (await ask("GET", "/events")).json as { kind: string; number: number }[];
    expect(all.map(({ kind }) => kind)).toEqual(["connected", "message", "message"]);
    expect(all[1]).toMatchObject({ topic: `ps/1/${STATION}/alive`, json: { online: true } });
    expect((await ask("GET", "/events?since=2")).json).toMatchObject([{ number: 3, base64: "/w==" }]);
    expect((await ask("GET", "/things")).json).toEqual([{ thing: STATION, isConnected: true }]);
  });

  it("switches faults, and says which there are", async () => {
    const { ask, connection, advance } = await start();
    await ask("PATCH", "/faults", { rejectShadow: { code: 500, message: "no" } });
    await expect(connection.getTwin()).rejects.toThrow("500 no");
    await ask("PATCH", "/faults", { rejectShadow: null });
    expect((await connection.getTwin()).desired).toEqual({ $version: 1 });
    expect(await ask("PATCH", "/faults", { loseEverything: 1 })).toMatchObject({ status: 400 });
    expect(await ask("PATCH", "/faults", { delayMs: "1" })).toMatchObject({ status: 400 });
    expect(JSON.stringify(await ask("GET", "/faults"))).toContain('"silent":false');
    await advance(1);
  });

  it("cuts, throws out for good and makes a shadow anew", async () => {
    const { ask, aws, connection, things } = await start();
    const reasons: string[] = [];
    connection.onClosed((reason) => reasons.push(reason));
    await ask("POST", `/things/${STATION}/recreate-shadow`, { a: 1 });
    expect(aws.shadow({ thing: STATION })).toMatchObject({ state: { desired: { a: 1 } }, version: 1 });
    await ask("POST", `/things/${STATION}/deactivate`);
    expect(reasons).toHaveLength(1);
    expect(things.thingOf([])).toBeUndefined();
    expect(await ask("POST", `/things/${STATION}/fly`)).toMatchObject({ status: 404 });
    expect(await ask("GET", "/nothing")).toMatchObject({ status: 404 });
    expect(await ask("GET", "/%E0%A4%A")).toMatchObject({ status: 400 });
  });

  it("makes jobs, shows how they went, cancels and deletes them, in the forms of AWS's control plane", async () => {
    const { ask, aws, connection, advance } = await start();
    connection.onCommand(async ({ command }) => ({ status: 200, text: `${command} done` }));
    await advance(1);
    const document = JSON.stringify({ command: "read-now" });
    const target = `arn:aws:iot:eu-central-1:123456789012:thing/${STATION}`;
    expect(await ask("PUT", "/jobs/j1", { targets: [target], document })).toMatchObject({
      status: 200,
      json: { jobId: "j1" },
    });
    await advance(1);
    expect(await ask("GET", "/jobs/j1")).toMatchObject({
      json: {
        job: { status: "COMPLETED", jobProcessDetails: { numberOfSucceededThings: 1, numberOfFailedThings: 0 } },
      },
    });
    expect(await ask("GET", `/things/${STATION}/jobs/j1`)).toMatchObject({
      json: {
        execution: { status: "SUCCEEDED", statusDetails: { detailsMap: { status: "200", text: "read-now done" } } },
      },
    });
    expect(await ask("GET", "/jobs/j1/job-document")).toMatchObject({ json: { document } });
    expect(await ask("PUT", "/jobs/j1/cancel")).toMatchObject({ status: 409 });
    expect(await ask("PUT", "/jobs/j1", { targets: [STATION], document })).toMatchObject({
      status: 409,
      json: { type: "ResourceAlreadyExistsException" },
    });
    aws.cut(STATION);
    await ask("PUT", "/jobs/j2", { targets: [STATION], document: { command: "read-now" } });
    expect(await ask("DELETE", "/jobs/j2")).toMatchObject({ status: 409 });
    expect(await ask("PUT", "/jobs/j2/cancel", { comment: "not needed" })).toMatchObject({ status: 200 });
    expect(await ask("GET", "/jobs/j2")).toMatchObject({
      json: { job: { status: "CANCELED", comment: "not needed" } },
    });
    expect(await ask("GET", `/things/${STATION}/jobs`)).toMatchObject({
      json: { executionSummaries: [{ jobId: "j1" }, { jobId: "j2", jobExecutionSummary: { status: "CANCELED" } }] },
    });
    expect(await ask("DELETE", "/jobs/j2")).toMatchObject({ status: 200 });
    for (const [targets, body] of [
      [["nobody"], document],
      [[STATION], "no JSON"],
      [[STATION], JSON.stringify({ command: "x".repeat(40_000) })],
      [[], document],
    ] as const)
      expect((await ask("PUT", "/jobs/j3", { targets, document: body })).status).toBeGreaterThanOrEqual(400);
    expect(await ask("GET", "/jobs/j3")).toMatchObject({ status: 404, json: { type: "ResourceNotFoundException" } });
  });
});
