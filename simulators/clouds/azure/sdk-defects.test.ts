/** What Microsoft's SDK does wrong when left alone, each provoked at the local hub, and how the agent bears it. */
import type { CloudConnection } from "@pump-station/agent/cloud/cloud.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AzureUnderTest, azureOverTls, STATION } from "./testing/azure-under-test.ts";

const never = new AbortController().signal;
const SOON = { timeout: 8_000, interval: 10 };
const MESSAGE = { lane: "normal", properties: { kind: "batch" }, payload: Uint8Array.of(1, 2, 3) } as const;

let under: AzureUnderTest;
let logged: string[];
const connections: CloudConnection[] = [];
const uncaught: unknown[] = [];
const onUncaught = (error: unknown): void => void uncaught.push(error);

const connect = async (): Promise<CloudConnection & { closed: string[] }> => {
  const connection = await under.cloud.connect(never);
  connections.push(connection);
  const closed: string[] = [];
  connection.onClosed((reason) => closed.push(reason));
  return Object.assign(connection, { closed });
};
const deliver = (on: "desired" | "method", topic: string, payload: string): void =>
  void under.hub.connection(STATION)?.deliver(on, topic, Buffer.from(payload));
const connects = (): number => under.hub.events.since(0).filter(({ kind }) => kind === "connected").length;

beforeEach(async () => {
  logged = [];
  under = await azureOverTls({ log: (_, event) => void logged.push(event) });
  uncaught.splice(0);
  process.on("uncaughtException", onUncaught).on("unhandledRejection", onUncaught);
});
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  await under.dispose();
  process.off("uncaughtException", onUncaught).off("unhandledRejection", onUncaught);
  expect(uncaught).toEqual([]);
});

describe("a defect of the SDK", () => {
  it.each(["twin-get", "twin-report"] as const)("1: a %s without an answer ends by our time limit", async (on) => {
    const connection = await connect();
    under.hub.faults.add({ on, do: "lose" });
    const asked = on === "twin-get" ? connection.getTwin() : connection.report({ a: 1 });
    await expect(asked).rejects.toMatchObject({ name: "CloudError", next: "reconnect" });
    await vi.waitFor(() => expect(connection.closed).toHaveLength(1), SOON);
    await (await connect()).getTwin();
  });

  it("1: a link that is cut while a twin is fetched ends the waiting at once", async () => {
    const connection = await connect();
    under.hub.faults.add({ on: "twin-get", do: "cut", when: "before" });
    await expect(connection.getTwin()).rejects.toMatchObject({ next: "reconnect" });
  });

  it("1: a hub that never answers twin requests costs one connection, not one a minute", async () => {
    under.hub.faults.add({ on: "twin-get", do: "lose", times: 3 });
    await expect((await connect()).getTwin()).rejects.toMatchObject({ next: "reconnect" });
    const second = await connect();
    await expect(second.getTwin()).rejects.toMatchObject({ next: "retry" });
    await expect(second.getTwin()).rejects.toMatchObject({ next: "retry" });
    expect(second.closed).toEqual([]);
    await second.getTwin();
  });

  it("2: what was missed is in the next twin, on the same connection and after it", async () => {
    const connection = await connect();
    await connection.getTwin();
    under.far.setDesiredUnheard({ devices: { pump: { target: 640 } } });
    expect((await connection.getTwin()).desired).toMatchObject({ devices: { pump: { target: 640 } } });
  });

  it("3: a token that ends is a connection that ends, with a word; the next has a new one", async () => {
    await under.dispose();
    under = await azureOverTls({ tokenLifeMs: 60_000 });
    const connection = await connect();
    await vi.waitFor(() => expect(connection.closed).toEqual([expect.stringContaining("token")]), SOON);
    expect(connects()).toBe(1);
    under.far.setDesired({ upload: { interval: 60 } });
    expect((await (await connect()).getTwin()).desired).toMatchObject({ upload: { interval: 60 } });
  });

  it("4: a hub that has forgotten the session hears of every subscription again", async () => {
    await (await connect()).close();
    under.hub.forgetSession(STATION);
    const connection = await connect();
    const seen: unknown[] = [];
    connection.onDesired((patch) => seen.push(patch));
    await connection.getTwin();
    under.far.setDesired({ upload: { interval: 60 } });
    await vi.waitFor(() => expect(seen).toHaveLength(1), SOON);
  });

  it("5: an error without a body is an error: throttled, refused, broken, and the process lives", async () => {
    const connection = await connect();
    const refuse = (on: "twin-get" | "twin-report", status: number) =>
      under.hub.faults.add({ on, do: "refuse", status, body: "empty" });
    refuse("twin-report", 429);
    await expect(connection.report({ a: 1 })).rejects.toMatchObject({ next: "retry-after" });
    refuse("twin-report", 400);
    await expect(connection.report({ a: 1 })).rejects.toMatchObject({ next: "drop-and-report" });
    refuse("twin-get", 500);
    await expect(connection.getTwin()).rejects.toMatchObject({ next: "retry" });
    expect(connection.closed).toEqual([]);
    expect((await connection.getTwin()).reported.$version).toBe(1);
    refuse("twin-get", 404);
    await expect(connection.getTwin()).rejects.toMatchObject({ next: "reprovision" });
    await vi.waitFor(() => expect(connection.closed).toHaveLength(1), SOON);
  });

  it("6: a lost acknowledgement doesn't make the SDK send a second copy by itself", async () => {
    const connection = await connect();
    under.hub.faults.add({ on: "telemetry", do: "lose-answer" });
    await expect(connection.publish(MESSAGE)).rejects.toMatchObject({ next: "reconnect" });
    await under.pass(120_000);
    expect(under.far.messages).toHaveLength(1);
  });

  it("7: while an acknowledgement is missing everything else goes on, and the token isn't renewed under it", async () => {
    await under.dispose();
    under = await azureOverTls({ tokenLifeMs: 30_000 });
    const connection = await connect();
    under.hub.faults.add({ on: "telemetry", do: "lose-answer" });
    const sent = connection.publish(MESSAGE);
    const failed = expect(sent).rejects.toThrow("no answer within 30 s");
    // The token is due to be left before that.
    await connection.getTwin();
    await connection.publish({ ...MESSAGE, payload: Uint8Array.of(9) });
    await failed;
    expect(connection.closed).toEqual(["send: no answer within 30 s"]);
  });

  it("8: an array is replaced whole, in patches and in the twin", async () => {
    const connection = await connect();
    const seen: unknown[] = [];
    connection.onDesired((patch) => seen.push(patch["list"]));
    under.far.setDesired({ list: [1, 2, 3] });
    await connection.getTwin();
    under.far.setDesired({ list: [9] });
    await vi.waitFor(() => expect(seen).toEqual([[1, 2, 3], [9]]), SOON);
    expect((await connection.getTwin()).desired).toMatchObject({ list: [9] });
  });

  it("9: what comes down at most once is only what is repeated anyway; what waits comes with the next connection", async () => {
    under.far.sendLedger(Uint8Array.of(7));
    const connection = await connect();
    const seen: Uint8Array[] = [];
    connection.onLedger((bytes) => seen.push(bytes));
    await vi.waitFor(() => expect(seen.map((bytes) => [...bytes])).toEqual([[7]]), SOON);
  });

  it.each(["", "null", "{}"])("10: a method with the body %j reaches its handler and is answered", async (body) => {
    const connection = await connect();
    const calls: unknown[] = [];
    connection.onCommand(async (call) => {
      calls.push({ ...call, id: "" });
      return { status: 200, text: "idle" };
    });
    deliver("method", "$iothub/methods/POST/pump*stop/?$rid=77", body);
    await vi.waitFor(() => expect(calls).toEqual([{ id: "", device: "pump", command: "stop" }]), SOON);
  });

  it("10: a method that nobody knows is answered, not left to time out", async () => {
    const connection = await connect();
    connection.onCommand(async ({ command }) => ({ status: 404, text: `no such command ${command}` }));
    expect(await under.hub.invokeMethod(STATION, { name: "dance" })).toMatchObject({ status: 404 });
    expect(await under.hub.invokeMethod(STATION, { name: "a*b*c" })).toMatchObject({ status: 400 });
    expect(await under.hub.invokeMethod(STATION, { name: "pump*stop", payload: [1] })).toMatchObject({ status: 400 });
  });

  it.each([
    "before",
    "after",
    "middle",
  ] as const)("11: a link that is cut %s a subscription fails the connect, no more", async (when) => {
    under.hub.faults.add({ on: "subscribe", do: "cut", when });
    await expect(under.cloud.connect(never)).rejects.toMatchObject({ name: "CloudError", next: "retry" });
    await (await connect()).publish(MESSAGE);
  });

  it("11: a subscription that is refused fails the connect", async () => {
    under.hub.faults.add({ on: "subscribe", do: "refuse", status: 128 });
    await expect(under.cloud.connect(never)).rejects.toMatchObject({ name: "CloudError" });
  });

  it("12: a patch that comes before anybody listens is kept", async () => {
    const connection = await connect();
    under.far.setDesired({ upload: { interval: 60 } });
    await connection.getTwin();
    const seen: unknown[] = [];
    connection.onDesired((patch) => seen.push(patch["upload"]));
    expect(seen).toEqual([{ interval: 60 }]);
  });

  it("13: a batch is one message, with its properties", async () => {
    await (await connect()).publish({ ...MESSAGE, properties: { kind: "batch", n: "20" } });
    await vi.waitFor(() => expect(under.far.messages).toHaveLength(1), SOON);
    expect(under.far.messages[0]?.properties).toMatchObject({ kind: "batch", n: "20" });
  });

  it("14: a wrong key is told from no network, and a clock two hours behind from both", async () => {
    under.time.clock.skewMs = -2 * 3_600_000;
    await (await connect()).publish(MESSAGE);
    under.faults.refuse();
    await expect(under.cloud.connect(never)).rejects.toMatchObject({ next: "reprovision" });
    under.hub.setAway(true);
    await expect(under.cloud.connect(never)).rejects.toMatchObject({ next: "retry" });
  });
});

it("a clock that nobody vouches for, and that is months behind, opens the hub all the same", async () => {
  Object.assign(under.time.clock, { isTrusted: false, skewMs: -200 * 86_400_000 });
  const connection = await connect();
  await connection.publish(MESSAGE);
  await connection.getTwin();
  expect(connection.closed).toEqual([]);
});

describe("what the SDK would die of", () => {
  it.each([
    ["a patch that is no JSON", "desired", "$iothub/twin/PATCH/properties/desired/?$version=2", "{"],
    ["a method without a name", "method", "$iothub/methods/POST//?$rid=1", "{}"],
    ["a method without a request id", "method", "$iothub/methods/POST/stop/", "{}"],
    ["a method whose name is broken", "method", "$iothub/methods/POST/%E0%A4%A/?$rid=1", "{}"],
    ["an answer that nobody asked for", "method", "$iothub/twin/res/200/?$rid=nobody", "{"],
  ] as const)("%s is left aside", async (_, on, topic, payload) => {
    const connection = await connect();
    deliver(on, topic, payload);
    await connection.getTwin();
    expect(connection.closed).toEqual([]);
  });

  it("a patch without a version is left aside, and said", async () => {
    const connection = await connect();
    deliver("desired", "$iothub/twin/PATCH/properties/desired/?$version=2", '{"a":1}');
    await connection.getTwin();
    expect(logged).toContain("hub-patch-malformed");
  });

  it("a reported key called update doesn't end reporting", async () => {
    const connection = await connect();
    await connection.report({ update: { state: "done" } });
    await connection.getTwin();
    await connection.report({ update: { state: "again" } });
    expect((await connection.getTwin()).reported).toMatchObject({ update: { state: "again" } });
  });
});
