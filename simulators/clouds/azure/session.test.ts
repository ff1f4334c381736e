/** Subscriptions, messages from the cloud, twins and methods, packet by packet. */
import type { IPublishPacket, Packet } from "mqtt-packet";
import { beforeEach, describe, expect, it } from "vitest";
import { ServiceError } from "./errors.ts";
import { createRawHub, type RawDevice, type RawHub } from "./testing/raw-device.ts";

const BOUND = "devices/gw1/messages/devicebound/#";
const ANSWERS = "$iothub/twin/res/#";
const DESIRED = "$iothub/twin/PATCH/properties/desired/#";
const METHODS = "$iothub/methods/POST/#";

let raw: RawHub;
beforeEach(() => {
  raw = createRawHub();
});

const published = (device: RawDevice): IPublishPacket[] =>
  device.take().filter((packet: Packet): packet is IPublishPacket => packet.cmd === "publish");
const text = (packet: IPublishPacket | undefined): string => Buffer.from(packet?.payload ?? "").toString();
const rejection = async (promise: Promise<unknown>): Promise<unknown> => {
  const settled = promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  return settled;
};

describe("a subscription", () => {
  it("is granted with QoS 1 at most, and only to the documented filters", async () => {
    const device = await raw.connect("gw1");
    device.take();
    await device.send({
      cmd: "subscribe",
      messageId: 4,
      subscriptions: [
        { topic: BOUND, qos: 2 },
        { topic: ANSWERS, qos: 0 },
        { topic: "devices/gw2/messages/devicebound/#", qos: 1 },
        { topic: "#", qos: 1 },
      ],
    });
    expect(device.take()).toMatchObject([{ cmd: "suback", messageId: 4, granted: [1, 0, 0x80, 0x80] }]);
  });

  it("more than five end the connection", async () => {
    const device = await raw.connect("gw1");
    await device.subscribe(BOUND, ANSWERS, DESIRED, METHODS, "a");
    expect(device.closed).toBeUndefined();
    await device.subscribe("b", "c");
    expect(device.closed).toBe("fin");
  });

  it("is kept by a session that isn't clean, and forgotten by one that is", async () => {
    await (await raw.connect("gw1")).subscribe(DESIRED);
    const again = await raw.connect("gw1");
    expect(again.take()).toMatchObject([{ cmd: "connack", sessionPresent: true }]);
    raw.hub.setDesired("gw1", { a: 1 });
    await raw.time.advance(1);
    expect(published(again).map(({ topic }) => topic)).toEqual(["$iothub/twin/PATCH/properties/desired/?$version=2"]);
    const clean = await raw.connect("gw1", { clean: true });
    expect(clean.take()).toMatchObject([{ cmd: "connack", sessionPresent: false }]);
    raw.hub.setDesired("gw1", { a: 2 });
    await raw.time.advance(1);
    expect(published(clean)).toEqual([]);
    expect((await raw.connect("gw1")).take()).toMatchObject([{ sessionPresent: false }]);
  });

  it("of a session that the hub forgot is gone at the next connect", async () => {
    await (await raw.connect("gw1")).subscribe(DESIRED);
    raw.hub.forgetSession("gw1");
    expect((await raw.connect("gw1")).take()).toMatchObject([{ sessionPresent: false }]);
  });
});

describe("a message to a device", () => {
  it("waits for it, comes again until it is acknowledged, and is then complete", async () => {
    raw.hub.sendToDevice("gw1", {
      payload: Buffer.from("one"),
      messageId: "m1",
      properties: { kind: "ledger", n: null },
    });
    const first = await raw.connect("gw1");
    await first.subscribe(BOUND);
    const [packet] = published(first);
    expect(text(packet)).toBe("one");
    expect(packet?.topic).toBe(
      "devices/gw1/messages/devicebound/%24.mid=m1&%24.to=%2Fdevices%2Fgw1%2Fmessages%2Fdevicebound&kind=ledger&n",
    );
    const second = await raw.connect("gw1");
    const [again] = published(second);
    expect(text(again)).toBe("one");
    await second.send({ cmd: "puback", messageId: again?.messageId ?? 0 });
    expect(published(await raw.connect("gw1"))).toEqual([]);
    expect(outcomes()).toEqual(["queued", "sent", "sent", "completed"]);
  });

  it("expires, and is given up after ten deliveries", async () => {
    raw.hub.sendToDevice("gw1", { payload: Buffer.from("a"), messageId: "m1" });
    await raw.time.advance(3_600_001);
    await (await raw.connect("gw1")).subscribe(BOUND);
    expect(outcomes()).toEqual(["queued", "expired"]);
    raw.hub.sendToDevice("gw1", { payload: Buffer.from("b"), messageId: "m2" });
    for (let times = 0; times < 10; times++) await raw.connect("gw1");
    expect(outcomes().at(-1)).toBe("dead-lettered");
  });

  it("is refused when 50 wait, or when it is larger than 64 KB", () => {
    for (let count = 0; count < 50; count++) raw.hub.sendToDevice("gw1", { payload: new Uint8Array() });
    expect(() => raw.hub.sendToDevice("gw1", { payload: new Uint8Array() })).toThrow(/50 messages wait/);
    expect(() => raw.hub.sendToDevice("gw1", { payload: new Uint8Array(65_537) })).toThrow(/65536 are allowed/);
  });

  const outcomes = () =>
    raw.hub.events.since(0).flatMap((event) => (event.kind === "cloud-to-device" ? [event.outcome] : []));
});

describe("a twin", () => {
  const report = async (device: RawDevice, patch: unknown) => {
    await device.publish("$iothub/twin/PATCH/properties/reported/?$rid=5", JSON.stringify(patch), { qos: 0 });
    return published(device)[0];
  };
  let device: RawDevice;
  beforeEach(async () => {
    device = await raw.connect("gw1");
    await device.subscribe(ANSWERS, DESIRED);
    device.take();
  });

  it("is read with its versions", async () => {
    await device.publish("$iothub/twin/GET/?$rid=1", "", { qos: 0 });
    const [answer] = published(device);
    expect(answer?.topic).toBe("$iothub/twin/res/200/?$rid=1");
    expect(JSON.parse(text(answer))).toEqual({ desired: { $version: 1 }, reported: { $version: 1 } });
  });

  it("merges what is reported, deletes nulls, and answers with the new version", async () => {
    expect((await report(device, { a: { b: 1, c: 2 }, list: [1, 2] }))?.topic).toBe(
      "$iothub/twin/res/204/?$rid=5&$version=2",
    );
    const second = await report(device, { a: { b: null }, list: [9] });
    expect(second?.topic).toBe("$iothub/twin/res/204/?$rid=5&$version=3");
    expect(text(second)).toBe("");
    expect(raw.hub.twin("gw1").reported.properties).toEqual({ a: { c: 2 }, list: [9] });
  });

  it("acknowledges a request with QoS 1, and answers nobody who hasn't subscribed", async () => {
    await device.publish("$iothub/twin/GET/?$rid=1", "", { messageId: 8 });
    expect(device.take()).toMatchObject([{ cmd: "puback", messageId: 8 }, { cmd: "publish" }]);
    await device.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: [ANSWERS] });
    expect(device.take()).toMatchObject([{ cmd: "unsuback", messageId: 2 }]);
    await device.publish("$iothub/twin/GET/?$rid=1", "", { qos: 0 });
    expect(device.take()).toEqual([]);
    expect(device.closed).toBeUndefined();
  });

  const deep = (levels: number): unknown => (levels === 0 ? 1 : { k: deep(levels - 1) });
  const filled = (bytes: number) =>
    Object.fromEntries(
      Array.from({ length: bytes / 1_024 }, (_, index) => [String(index).padStart(4, "0"), "x".repeat(1_020)]),
    );
  it.each<[string, number, unknown]>([
    ["32 KB", 204, filled(32 * 1_024)],
    ["more than 32 KB", 413, { ...filled(32 * 1_024), more: true }],
    ["10 levels", 204, deep(10)],
    ["11 levels", 400, deep(11)],
    ["a dot in a key", 400, { "a.b": 1 }],
    ["a dollar in a key", 400, { a: { $b: 1 } }],
    ["a space in a key", 400, { "a b": 1 }],
    ["a control character in a key", 400, { "a\u0085": 1 }],
    ["a key of 1 KB", 204, { ["k".repeat(1_024)]: 1 }],
    ["a longer key", 400, { ["k".repeat(1_025)]: 1 }],
    ["a string of 4 KB", 204, { a: "ü".repeat(2_048) }],
    ["a longer string", 400, { a: "ü".repeat(2_049) }],
    ["the largest integer", 204, { a: 4_503_599_627_370_495, b: -4_503_599_627_370_496 }],
    ["a larger integer", 400, { a: 4_503_599_627_370_496 }],
    ["a smaller integer", 400, { a: [-4_503_599_627_370_497] }],
    ["an array", 400, [1]],
    ["a number", 400, 1],
  ])("takes or refuses %s (%i)", async (_, status, patch) => {
    const answer = await report(device, patch);
    expect(answer?.topic).toMatch(new RegExp(`^\\$iothub/twin/res/${status}/`));
    if (status !== 204) expect(JSON.parse(text(answer))).toMatchObject({ message: expect.any(String) as string });
    expect(raw.hub.twin("gw1").reported.version).toBe(status === 204 ? 2 : 1);
  });

  it("refuses what is no JSON", async () => {
    await device.publish("$iothub/twin/PATCH/properties/reported/?$rid=5", Buffer.from([0x22, 0xff, 0x22]), { qos: 0 });
    expect(published(device)[0]?.topic).toBe("$iothub/twin/res/400/?$rid=5");
  });

  it("tells of desired changes with their version, the patch as it was given", async () => {
    raw.hub.setDesired("gw1", { a: { b: 1 }, c: 2 });
    raw.hub.setDesired("gw1", { a: null });
    raw.hub.replaceDesired("gw1", { d: 3 });
    await raw.time.advance(1);
    expect(published(device).map((packet) => JSON.parse(text(packet)) as unknown)).toEqual([
      { a: { b: 1 }, c: 2, $version: 2 },
      { a: null, $version: 3 },
      { c: null, d: 3, $version: 4 },
    ]);
    expect(raw.hub.twin("gw1").desired.properties).toEqual({ d: 3 });
  });

  it("of a device that is away changes without a word", async () => {
    device.link.close();
    await raw.time.advance(1);
    raw.hub.setDesired("gw1", { a: 1 });
    const again = await raw.connect("gw1");
    expect(published(again)).toEqual([]);
  });

  it("is written by a service only if it is the one that was read", () => {
    const { etag } = raw.hub.twin("gw1");
    raw.hub.setDesired("gw1", { a: 1 }, { ifMatch: `"${etag}"` });
    expect(() => raw.hub.setDesired("gw1", { a: 2 }, { ifMatch: `"${etag}"` })).toThrow(/has changed/);
    raw.hub.setDesired("gw1", { a: 2 }, { ifMatch: "*" });
    expect(raw.hub.twin("gw1").desired).toMatchObject({ properties: { a: 2 }, version: 3 });
  });

  it("that is made anew begins at version 1", async () => {
    raw.hub.setDesired("gw1", { a: 1 });
    raw.hub.recreateTwin("gw1", { desired: { a: 0 } });
    await device.publish("$iothub/twin/GET/?$rid=1", "", { qos: 0 });
    expect(JSON.parse(text(published(device).at(-1)))).toEqual({
      desired: { a: 0, $version: 1 },
      reported: { $version: 1 },
    });
  });
});

describe("a method", () => {
  it("is sent with a request id, and its answer comes back", async () => {
    const device = await raw.connect("gw1");
    await device.subscribe(METHODS);
    device.take();
    const calling = raw.hub.invokeMethod("gw1", { name: "pump*prime", payload: { a: 1 } });
    await raw.time.advance(1);
    const [call] = published(device);
    expect(call?.topic).toBe("$iothub/methods/POST/pump*prime/?$rid=1");
    expect(text(call)).toBe('{"a":1}');
    await device.publish("$iothub/methods/res/207/?$rid=1", '{"b":2}', { qos: 0 });
    expect(await calling).toEqual({ status: 207, payload: { b: 2 } });
  });

  it("has no device to go to: 404, at once or after the time to connect", async () => {
    const gone = rejection(raw.hub.invokeMethod("gw1", { name: "m" }));
    expect(await gone).toMatchObject({ status: 404, code: 404103 });
    const waiting = rejection(raw.hub.invokeMethod("gw1", { name: "m", connectTimeoutS: 60 }));
    await raw.time.advance(61_000);
    expect(await waiting).toMatchObject({ status: 404 });
  });

  it("waits for a device that connects in time", async () => {
    const calling = raw.hub.invokeMethod("gw1", { name: "m", connectTimeoutS: 60 });
    await raw.time.advance(30_000);
    const device = await raw.connect("gw1");
    await device.subscribe(METHODS);
    expect(published(device).map(({ topic }) => topic)).toEqual(["$iothub/methods/POST/m/?$rid=1"]);
    await device.publish("$iothub/methods/res/200/?$rid=1", "", { qos: 0 });
    expect(await calling).toEqual({ status: 200, payload: null });
  });

  it("that nobody answers is 504 after its time, and a late answer is nobody's", async () => {
    const device = await raw.connect("gw1", { keepalive: 1_000 });
    await device.subscribe(METHODS);
    const calling = rejection(raw.hub.invokeMethod("gw1", { name: "m", responseTimeoutS: 5 }));
    await raw.time.advance(5_001);
    expect(await calling).toMatchObject({ status: 504, code: 504101 });
    await device.publish("$iothub/methods/res/200/?$rid=1", "{}", { qos: 0 });
    expect(device.closed).toBeUndefined();
  });

  it.each([
    ["a time of 4 s", 400, { name: "m", responseTimeoutS: 4 }],
    ["a time of 301 s", 400, { name: "m", responseTimeoutS: 301 }],
    ["a name with a slash", 400, { name: "a/b" }],
    ["a payload of more than 128 KB", 413, { name: "m", payload: "x".repeat(131_072) }],
  ])("is refused with %s", async (_, status, call) => {
    const error = await rejection(raw.hub.invokeMethod("gw1", call));
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ status });
  });
});
