/** Throttles, quotas and what is metered. */
import { describe, expect, it } from "vitest";
import { createRawHub, type RawDevice } from "./testing/raw-device.ts";
import { allowanceOf } from "./tiers.ts";

const EVENTS = "devices/gw1/messages/events/";
const reasons = (raw: ReturnType<typeof createRawHub>): string[] =>
  raw.hub.events.since(0).flatMap((event) => (event.kind === "disconnected" ? [event.reason] : []));
const statuses = (device: RawDevice): string[] =>
  device.take().flatMap((packet) => (packet.cmd === "publish" ? [packet.topic.split("/")[3] ?? ""] : []));

describe("the meter", () => {
  it.each([
    ["S1", 4_096, 1],
    ["S1", 4_097, 2],
    ["S1", 0, 1],
    ["F1", 512, 1],
    ["F1", 513, 2],
  ] as const)("at %s counts %i bytes as %i", async (tier, bytes, messages) => {
    const raw = createRawHub({ tier });
    const device = await raw.connect("gw1");
    await device.publish(EVENTS, Buffer.alloc(bytes));
    expect(raw.hub.usage()).toMatchObject({
      messages,
      byOperation: { telemetry: messages },
      byDevice: { gw1: messages },
    });
  });

  it("counts twins, methods and messages from the cloud, but neither connects nor pings", async () => {
    const raw = createRawHub();
    const device = await raw.connect("gw1");
    await device.subscribe("$iothub/twin/res/#", "$iothub/methods/POST/#");
    await device.send({ cmd: "pingreq" });
    await device.publish("$iothub/twin/GET/?$rid=1", "", { qos: 0 });
    await device.publish("$iothub/twin/PATCH/properties/reported/?$rid=2", "{}", { qos: 0 });
    raw.hub.setDesired("gw1", { a: 1 });
    raw.hub.sendToDevice("gw1", { payload: new Uint8Array(5_000) });
    const calling = raw.hub.invokeMethod("gw1", { name: "m" });
    await raw.time.advance(1);
    await device.publish("$iothub/methods/res/200/?$rid=1", "{}", { qos: 0 });
    await calling;
    expect(raw.hub.usage().byOperation).toEqual({
      "twin-get": 1,
      "twin-report": 1,
      desired: 1,
      "cloud-to-device": 2,
      method: 1,
      "method-answer": 1,
    });
  });

  it("ends a device that sends more than the day's quota, answers twins with 403, and begins anew at midnight UTC", async () => {
    const raw = createRawHub({ tier: "F1" });
    const device = await raw.connect("gw1", { keepalive: 0, password: Buffer.from(raw.token("gw1", 200_000)) });
    await device.subscribe("$iothub/twin/res/#");
    raw.hub.useUp(8_000);
    await device.publish("$iothub/twin/GET/?$rid=1", "", { qos: 0 });
    expect(statuses(device)).toEqual(["403"]);
    await device.publish(EVENTS, "x");
    expect(reasons(raw)).toEqual(["403002: the day's 8000 messages are used up"]);
    raw.time.clock.stepWall(86_400_000);
    const tomorrow = await raw.connect("gw1");
    await tomorrow.publish(EVENTS, "x");
    expect(tomorrow.take().at(-1)?.cmd).toBe("puback");
  });
});

describe("a throttle", () => {
  it("lets what is a little too fast wait its turn, in order", async () => {
    const raw = createRawHub({ rates: { telemetry: 10 } });
    const device = await raw.connect("gw1");
    device.take();
    for (let messageId = 1; messageId <= 15; messageId++)
      device.link.send({ cmd: "publish", topic: EVENTS, payload: "x", qos: 1, messageId, dup: false, retain: false });
    await raw.time.advance(50);
    expect(device.take()).toHaveLength(10);
    await raw.time.advance(500);
    expect(device.take().map(({ messageId }) => messageId)).toEqual([11, 12, 13, 14, 15]);
  });

  it("ends who sends telemetry far too fast", async () => {
    const raw = createRawHub({ rates: { telemetry: 0 } });
    const device = await raw.connect("gw1");
    await device.publish(EVENTS, "x");
    expect(reasons(raw)).toEqual(["429001: more than 0 telemetry a second at this hub"]);
  });

  it("answers twins with 429, and ends who doesn't listen", async () => {
    const raw = createRawHub();
    const device = await raw.connect("gw1");
    await device.subscribe("$iothub/twin/res/#");
    device.take();
    raw.hub.setRates({ "twin-report": 0 });
    for (let times = 0; times < 10; times++)
      await device.publish("$iothub/twin/PATCH/properties/reported/?$rid=2", "{}", { qos: 0 });
    expect(new Set(statuses(device))).toEqual(new Set(["429"]));
    expect(device.closed).toBeUndefined();
    await device.publish("$iothub/twin/PATCH/properties/reported/?$rid=2", "{}", { qos: 0 });
    expect(reasons(raw)).toEqual(["429002: refused 11 times in a row for going too fast"]);
  });

  it("refuses connects with code 3, and a service with 429", async () => {
    const raw = createRawHub({ rates: { connect: 0, "twin-report": 0 } });
    expect((await raw.connect("gw1")).take()).toMatchObject([{ cmd: "connack", returnCode: 3 }]);
    expect(() => raw.hub.setDesired("gw1", { a: 1 })).toThrow(/too many/);
  });

  it("is per hub, with the tier's figures", () => {
    expect(allowanceOf("S1", 1).rates).toMatchObject({ telemetry: 100, "twin-get": 100, "twin-report": 50 });
    expect(allowanceOf("S1", 20).rates.telemetry).toBe(240);
    expect(allowanceOf("S2", 11).rates).toMatchObject({ telemetry: 1_320, "twin-get": 110, "twin-report": 55 });
    expect(allowanceOf("S3", 2)).toMatchObject({ messagesPerDay: 600_000_000, rates: { "twin-get": 1_000 } });
  });
});
