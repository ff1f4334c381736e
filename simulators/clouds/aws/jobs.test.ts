/** The agent runs commands that come as AWS IoT jobs, against the local cloud, in memory. */
import type { CloudConnection, CommandAnswer, CommandCall } from "@pump-station/agent/cloud/cloud.ts";
import { createAudit } from "@pump-station/agent/commands/audit.ts";
import { createCommands } from "@pump-station/agent/commands/commands.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { describe, expect, it } from "vitest";
import { STATION, standUp } from "./testing/stand-up.ts";

const never = new AbortController().signal;
const MINUTE_MS = 60_000;
const STOP = { device: "pump", command: "stop" };

/** A station whose commands are answered by `answer`, and which is connected until it is cut. */
async function station(
  answer: (call: CommandCall) => CommandAnswer | Promise<CommandAnswer> = () => ({ status: 200, text: "done" }),
) {
  const logged: string[] = [];
  const stood = standUp({ log: (_, event) => void logged.push(event) });
  const files = new Map<string, string>();
  const ran: CommandCall[] = [];
  /** As after a restart: what is on disk stays. */
  const commands = () =>
    createCommands({
      ...stood,
      log: () => undefined,
      audit: createAudit({
        ...stood,
        log: () => undefined,
        file: (name) => ({
          load: () => (files.has(name) ? (JSON.parse(files.get(name) ?? "") as unknown) : undefined),
          save: (document) => void files.set(name, JSON.stringify(document)),
        }),
      }),
      plan: (call) => ({
        kind: "write",
        limitMs: MINUTE_MS,
        run: async () => {
          ran.push(call);
          return answer(call);
        },
      }),
      onEnded: () => undefined,
    });
  const connect = async (listener = commands()): Promise<CloudConnection> => {
    const connection = await stood.cloud.connect(never);
    connection.onCommand(listener);
    await stood.advance(1);
    return connection;
  };
  const { aws, advance } = stood;
  return {
    ...stood,
    logged,
    ran,
    commands,
    connect,
    give: async (
      id: string,
      document: JsonObject,
      more: { inProgressMinutes?: number; retries?: { FAILED: number } } = {},
    ) => {
      aws.jobs.create({ id, things: [STATION], document, ...more });
      await advance(1);
    },
    /** What whoever made it sees: its state, and the words. */
    stateOf: (id: string, number?: number) => {
      const { status, details } = aws.jobs.execution(id, STATION, number) ?? {};
      return [status, details?.["text"]];
    },
  };
}

describe("a job", () => {
  it("is a command: in progress before it runs, ended with its answer, under the job's name", async () => {
    const seen: unknown[] = [];
    const { aws, connect, give, ran } = await station(() => {
      seen.push(aws.jobs.execution("stop-1", STATION)?.status);
      return { status: 200, text: "confirmed: state is idle" };
    });
    await connect();
    await give("stop-1", { ...STOP, arguments: {}, by: "ops" });
    expect(seen).toEqual(["IN_PROGRESS"]);
    expect(ran).toEqual([{ id: "stop-1", device: "pump", command: "stop", arguments: {}, by: "ops" }]);
    expect(aws.jobs.execution("stop-1", STATION)).toMatchObject({
      status: "SUCCEEDED",
      details: { status: "200", text: "confirmed: state is idle" },
    });
  });

  it.each([
    [202, "SUCCEEDED"],
    [400, "REJECTED"],
    [404, "REJECTED"],
    [410, "REJECTED"],
    [409, "FAILED"],
    [422, "FAILED"],
    [504, "FAILED"],
  ])("whose command is answered %i has %s, with the words", async (status, outcome) => {
    const { connect, give, stateOf } = await station(() => ({ status, text: "because" }));
    await connect();
    await give("j", STOP);
    expect(stateOf("j")).toEqual([outcome, "because"]);
  });

  it.each([
    [{ operation: "reboot" }, "command is not a name"],
    [{ version: "1.0", steps: [] }, "command is not a name"],
    [{ command: "stop", device: 7 }, "device is not a name"],
    [{ command: "stop", expiresMs: "tomorrow" }, "expiresMs is not a number"],
  ])("whose document is no command is declined with a reason, and doesn't begin: %j", async (document, reason) => {
    const { aws, connect, give, ran, stateOf } = await station();
    await connect();
    await give("j", document);
    expect(stateOf("j")).toEqual(["REJECTED", expect.stringContaining(reason)]);
    expect(stateOf("j")[1]).toContain('write {"command": "read-now"}');
    expect(aws.jobs.execution("j", STATION)?.startedAtMs).toBeUndefined();
    expect(ran).toEqual([]);
  });

  it("waits while the station is away, and runs when it is back; one that has expired meanwhile doesn't", async () => {
    const { clock, connect, give, ran, advance, stateOf } = await station();
    await give("in-time", { ...STOP, expiresMs: clock.wallMs() + 48 * 60 * MINUTE_MS });
    await give("too-late", { ...STOP, expiresMs: clock.wallMs() + MINUTE_MS });
    await give("always", STOP);
    await advance(24 * 60 * MINUTE_MS);
    await connect();
    await advance(1_000);
    expect(ran.map(({ id }) => id)).toEqual(["in-time", "always"]);
    expect(stateOf("too-late")).toEqual(["REJECTED", "expired"]);
    expect(stateOf("always")).toEqual(["SUCCEEDED", "done"]);
  });

  it("goes one after the other, in the order in which they came", async () => {
    let end = (): void => undefined;
    const { connect, give, ran, advance, stateOf } = await station(
      () => new Promise((resolve) => (end = () => resolve({ status: 200, text: "done" }))),
    );
    await connect();
    for (const id of ["a", "b", "c"]) await give(id, STOP);
    expect(ran.map(({ id }) => id)).toEqual(["a"]);
    for (let n = 0; n < 3; n++) {
      end();
      await advance(1);
    }
    expect(ran.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(stateOf("c")).toEqual(["SUCCEEDED", "done"]);
  });

  it("runs once, though the link breaks before its end is told, and the station restarts", async () => {
    const { aws, connect, give, ran, advance, stateOf } = await station(() => {
      aws.cut(STATION);
      return { status: 200, text: "confirmed" };
    });
    await connect();
    await give("once", STOP);
    expect(stateOf("once")).toEqual(["IN_PROGRESS", undefined]);
    await connect();
    await advance(1_000);
    expect(stateOf("once")).toEqual(["SUCCEEDED", "confirmed"]);
    expect(ran).toHaveLength(1);
  });

  it("that was told twice runs once", async () => {
    const { aws, connect, give, ran, advance } = await station();
    await connect();
    aws.faults.deliverTwice = 20;
    await give("twice", STOP);
    await advance(MINUTE_MS);
    expect(ran).toHaveLength(1);
  });

  it("that is cancelled while the station is away doesn't run; nor one that is cancelled before it begins", async () => {
    const { aws, connect, give, ran, stateOf, logged } = await station();
    await give("away", STOP);
    const cancel = (id: string): void => {
      const execution = aws.jobs.execution(id, STATION);
      if (execution) aws.jobs.change(execution, "CANCELED", {});
    };
    cancel("away");
    await connect();
    const stop = aws.events.onEvent((event) => {
      // The station has read its document, and asks whether it may begin.
      if (event.kind === "message" && event.topic.endsWith("/jobs/late/update")) cancel("late");
    });
    await give("late", STOP);
    stop();
    expect([stateOf("away"), stateOf("late")]).toEqual([
      ["CANCELED", undefined],
      ["CANCELED", undefined],
    ]);
    expect(ran).toEqual([]);
    expect(logged).toContain("job-gone");
  });

  it("that was cancelled, or has timed out, while it ran stays so, and the next one is done", async () => {
    let end = (): void => undefined;
    const { connect, give, advance, stateOf } = await station(
      ({ id }) =>
        new Promise((resolve) => {
          if (id === "slow") end = () => resolve({ status: 200, text: "done" });
          else resolve({ status: 200, text: "done" });
        }),
    );
    await connect();
    await give("slow", STOP, { inProgressMinutes: 0.5 });
    await advance(MINUTE_MS / 2);
    expect(stateOf("slow")).toEqual(["TIMED_OUT", undefined]);
    end();
    await give("next", STOP);
    expect([stateOf("slow")[0], stateOf("next")[0]]).toEqual(["TIMED_OUT", "SUCCEEDED"]);
  });

  it("that whoever made it lets be tried again is another command each time", async () => {
    const { connect, give, advance, ran, stateOf } = await station(({ id }) =>
      id === "again" ? { status: 409, text: "state is pumping" } : { status: 200, text: "done" },
    );
    await connect();
    await give("again", STOP, { retries: { FAILED: 2 } });
    await advance(1_000);
    expect(ran.map(({ id }) => id)).toEqual(["again", "again.2"]);
    expect([stateOf("again", 1), stateOf("again", 2)]).toEqual([
      ["FAILED", "state is pumping"],
      ["SUCCEEDED", "done"],
    ]);
  });

  it("says a short body whole; a long one, and a text that can't be printed, in a way that AWS takes", async () => {
    const long = { values: "é".repeat(2_000) };
    const { aws, connect, give } = await station(({ command }) => ({
      status: 200,
      text: "two\nlines\u0007",
      body: command === "short" ? { a: 1 } : long,
    }));
    await connect();
    await give("s", { command: "short" });
    await give("l", { command: "long" });
    expect(aws.jobs.execution("s", STATION)?.details).toEqual({ status: "200", text: "two lines", body: '{"a":1}' });
    const answer = `ps/1/${STATION}/command/answer/l`;
    expect(aws.jobs.execution("l", STATION)?.details["body"]).toContain(answer);
    const sent = aws.events.since(0).find((event) => event.kind === "message" && event.topic === answer);
    expect(sent?.kind === "message" && JSON.parse(new TextDecoder().decode(sent.payload))).toMatchObject({
      body: long,
    });
  });
});

describe("asking for jobs", () => {
  it("costs a silent connection nothing but a look a week", async () => {
    const { aws, connect, advance } = await station();
    await connect();
    const messages = () =>
      aws.events.since(0).filter((event) => event.kind === "message" && event.topic.includes("/jobs/"));
    expect(messages()).toHaveLength(1);
    await advance(7 * 24 * 60 * MINUTE_MS - 10_000);
    expect(messages()).toHaveLength(1);
    await advance(20_000);
    expect(messages()).toHaveLength(2);
  });

  it("a throttled service is asked again later, not at once", async () => {
    const { aws, connect, give, advance, stateOf } = await station();
    await connect();
    aws.faults.throttle = true;
    await give("j", STOP);
    await advance(9_000);
    const asked = () =>
      aws.events.since(0).filter((event) => event.kind === "message" && event.topic.includes("/jobs/"));
    expect(asked()).toHaveLength(2);
    aws.faults.throttle = false;
    await advance(10 * MINUTE_MS);
    expect(stateOf("j")).toEqual(["SUCCEEDED", "done"]);
  });

  it("a cloud without jobs is left in peace, and everything else works", async () => {
    const { aws, connect, advance, far } = await station();
    aws.faults.jobsSilent = true;
    const connection = await connect();
    await advance(6 * 60 * MINUTE_MS);
    const asked = aws.events.since(0).filter((event) => event.kind === "message" && event.topic.includes("/jobs/"));
    expect(asked).toHaveLength(1);
    await connection.publish({ lane: "normal", properties: {}, payload: Uint8Array.of(1) });
    expect(far.messages).toHaveLength(1);
  });

  it("a policy that ends the connection over it costs two connections, and jobs for some hours", async () => {
    const { aws, connect, advance, give, stateOf } = await station();
    const stop = aws.events.onEvent((event) => {
      if (event.kind === "message" && event.topic.includes("/jobs/")) aws.cut(STATION);
    });
    for (let n = 0; n < 2; n++) await connect();
    expect(aws.connected).toEqual([]);
    await connect();
    expect(aws.connected).toEqual([STATION]);
    stop();
    await give("j", STOP);
    expect(stateOf("j")[0]).toBe("QUEUED");
    await advance(6 * 60 * MINUTE_MS);
    await connect();
    expect(stateOf("j")[0]).toBe("SUCCEEDED");
  });
});
