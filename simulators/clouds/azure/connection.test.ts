/** Who may connect, how long, and what ends a connection. */
import type { IConnectPacket, Packet } from "mqtt-packet";
import { beforeEach, describe, expect, it } from "vitest";
import { makeSas } from "./sas.ts";
import { connectPacket, createRawHub, HUB, type RawDevice, type RawHub } from "./testing/raw-device.ts";

let raw: RawHub;
beforeEach(() => {
  raw = createRawHub();
});

const codeOf = (device: RawDevice): number | undefined => {
  const connack = device.take().find((packet) => packet.cmd === "connack");
  return connack?.cmd === "connack" ? connack.returnCode : undefined;
};
const lastReason = (): string => {
  const event = raw.hub.events.since(0).findLast(({ kind }) => kind === "refused" || kind === "disconnected");
  return event && "reason" in event ? (event.reason ?? "") : "";
};
const nowS = () => Math.floor(raw.time.clock.wallMs() / 1_000);

describe("CONNECT", () => {
  it("is accepted with a good token", async () => {
    expect(codeOf(await raw.connect("gw1"))).toBe(0);
    expect(raw.hub.connection("gw1")).toBeDefined();
  });

  const auth = () => raw.hub.devices.get("gw1").auth;
  const key = () => {
    const own = auth();
    return own.type === "sas" ? own.primaryKey : "";
  };
  const sas = (wish: { resource?: string; endS?: number; key?: string; policy?: string }) =>
    Buffer.from(makeSas({ resource: `${HUB}/devices/gw1`, key: key(), endS: nowS() + 60, ...wish }));

  it.each<[string, number, RegExp, () => Partial<IConnectPacket>]>([
    ["MQTT 3.1", 1, /only 3.1.1/, () => ({ protocolVersion: 3, protocolId: "MQIsdp" })],
    ["MQTT 5", 1, /only 3.1.1/, () => ({ protocolVersion: 5 })],
    ["no user name", 4, /is not \{hub\}/, () => ({ username: "" })],
    ["no api-version", 4, /has no api-version/, () => ({ username: `${HUB}/gw1/?x=1` })],
    ["an api-version that is none", 4, /is no version/, () => ({ username: `${HUB}/gw1/?api-version=1` })],
    ["a module's user name", 4, /module/, () => ({ username: `${HUB}/gw1/m/?api-version=2021-04-12` })],
    ["another hub's name", 5, /this hub is/, () => ({ username: "other/gw1/?api-version=2021-04-12" })],
    ["a client id that isn't the device", 2, /the client id is gw2/, () => ({ clientId: "gw2" })],
    [
      "an unknown device",
      5,
      /no device gw9/,
      () => ({ clientId: "gw9", username: `${HUB}/gw9/?api-version=2021-04-12` }),
    ],
    ["no token", 5, /neither a token nor/, () => ({ password: Buffer.alloc(0) })],
    ["a password", 5, /does not begin with/, () => ({ password: Buffer.from("secret") })],
    ["another key", 5, /signature/, () => ({ password: sas({ key: Buffer.alloc(32).toString("base64") }) })],
    ["a token that has ended", 5, /the token ended at/, () => ({ password: sas({ endS: nowS() - 1 }) })],
    ["another device's resource", 5, /not for/, () => ({ password: sas({ resource: `${HUB}/devices/gw2` }) })],
    ["another hub's resource", 5, /not for this hub/, () => ({ password: sas({ resource: "other/devices/gw1" }) })],
    ["a hub-wide resource without a policy", 5, /not for/, () => ({ password: sas({ resource: HUB }) })],
    ["a policy that isn't there", 5, /no shared access policy/, () => ({ password: sas({ policy: "owner" }) })],
    [
      "a will to another device",
      5,
      /the will/,
      () => ({ will: { topic: "devices/gw2/messages/events/", payload: "x" } }),
    ],
    [
      "a will with QoS 2",
      5,
      /QoS 2/,
      () => ({ will: { topic: "devices/gw1/messages/events/", payload: "x", qos: 2 } }),
    ],
  ])("is refused with %s (code %i)", async (_, code, reason, wish) => {
    const device = await raw.connect("gw1", wish());
    expect(codeOf(device)).toBe(code);
    expect(lastReason()).toMatch(reason);
    expect(device.closed).toBe("fin");
  });

  it("is accepted with a policy's token for the whole hub", async () => {
    const policy = Buffer.from("policy key").toString("base64");
    raw = createRawHub({ policies: [{ name: "device", key: policy }] });
    const device = await raw.connect("gw1", { password: sas({ key: policy, resource: HUB, policy: "device" }) });
    expect(codeOf(device)).toBe(0);
  });

  it("is refused for a disabled device, which is thrown out at once", async () => {
    const device = await raw.connect("gw1");
    raw.hub.setEnabled("gw1", false);
    await raw.time.advance(1);
    expect(device.closed).toBe("fin");
    expect(codeOf(await raw.connect("gw1"))).toBe(5);
    raw.hub.setEnabled("gw1", true);
    expect(codeOf(await raw.connect("gw1"))).toBe(0);
  });

  it("judges tokens by the hub's own clock, which may be wrong", async () => {
    raw.hub.setSkew(7_200_000);
    expect(codeOf(await raw.connect("gw1"))).toBe(5);
    expect(lastReason()).toMatch(/the token ended/);
    raw.hub.setSkew(-7_200_000);
    expect(codeOf(await raw.connect("gw1"))).toBe(0);
  });

  it("has to be the first packet, comes once, and within a minute", async () => {
    const early = raw.link();
    await early.send({ cmd: "pingreq" });
    expect(early.closed).toBe("fin");
    const twice = await raw.connect("gw1");
    await twice.send(connectPacket("gw1"));
    expect(twice.closed).toBe("fin");
    const never = raw.link();
    await raw.time.advance(59_000);
    expect(never.closed).toBeUndefined();
    await raw.time.advance(2_000);
    expect(never.closed).toBe("fin");
  });
});

describe("a connection", () => {
  it("ends when its token ends, not before", async () => {
    const device = await raw.connect("gw1", { password: Buffer.from(raw.token("gw1", 600)), keepalive: 0 });
    await raw.time.advance(598_000);
    expect(device.closed).toBeUndefined();
    await raw.time.advance(3_000);
    expect(device.closed).toBe("fin");
    expect(lastReason()).toBe("the token has ended");
  });

  it.each([
    [60, 90],
    [1_177, 1_765.5],
    [3_600, 1_767],
    [0, 1_767],
  ])("with a keep-alive of %i s ends after %d s of silence", async (keepalive, seconds) => {
    const device = await raw.connect("gw1", { keepalive, password: Buffer.from(raw.token("gw1", 86_400)) });
    await raw.time.advance(seconds * 1_000 - 1_500);
    expect(device.closed).toBeUndefined();
    await device.send({ cmd: "pingreq" });
    expect(device.take().at(-1)?.cmd).toBe("pingresp");
    await raw.time.advance(seconds * 1_000 - 1_500);
    expect(device.closed).toBeUndefined();
    await raw.time.advance(2_000);
    expect(device.closed).toBe("fin");
  });

  it("is ended by a second one of the same device", async () => {
    const first = await raw.connect("gw1");
    const second = await raw.connect("gw1");
    expect(first.closed).toBe("fin");
    expect(second.closed).toBeUndefined();
    expect(lastReason()).toBe("another connection of the same device");
    await second.publish("devices/gw1/messages/events/", "x");
    expect(second.take().at(-1)).toMatchObject({ cmd: "puback", messageId: 7 });
  });

  it("sends its will as telemetry when it breaks, and keeps it when the device says goodbye", async () => {
    const will = { topic: "devices/gw1/messages/events/lane=urgent", payload: Buffer.from("gone") };
    const first = await raw.connect("gw1", { will });
    await first.send({ cmd: "disconnect" });
    expect(telemetry()).toEqual([]);
    const second = await raw.connect("gw1", { will });
    second.link.close();
    await raw.time.advance(1);
    expect(telemetry()).toMatchObject([{ properties: { lane: "urgent" }, system: { "iothub-MessageType": "Will" } }]);
  });

  it.each<[string, RegExp, Packet]>([
    ["QoS 2", /QoS 2/, publish("devices/gw1/messages/events/", { qos: 2 })],
    ["another device's topic", /no topic/, publish("devices/gw2/messages/events/")],
    ["a topic of its own", /no topic/, publish("my/topic")],
    ["a twin request without a request id", /no \$rid/, publish("$iothub/twin/GET/?x=1")],
    ["a bag that is not URL-encoded", /not URL-encoded/, publish("devices/gw1/messages/events/a=%")],
    ["more than 256 KB", /262145 bytes/, publish("devices/gw1/messages/events/", { payload: Buffer.alloc(262_145) })],
    ["a server's packet", /does not send/, { cmd: "pingresp" }],
  ])("ends at %s", async (_, reason, packet) => {
    const device = await raw.connect("gw1");
    await device.send(packet);
    expect(device.closed).toBe("fin");
    expect(lastReason()).toMatch(reason);
    expect(telemetry()).toEqual([]);
  });

  it("takes exactly 256 KB, properties included", async () => {
    const device = await raw.connect("gw1");
    await device.publish("devices/gw1/messages/events/ab=cd", Buffer.alloc(262_140));
    expect(device.take().at(-1)?.cmd).toBe("puback");
    await device.publish("devices/gw1/messages/events/ab=cd", Buffer.alloc(262_141));
    expect(device.closed).toBe("fin");
  });

  it("turns RETAIN into a property, and needs no acknowledgement for QoS 0", async () => {
    const device = await raw.connect("gw1");
    device.take();
    await device.publish("devices/gw1/messages/events/empty=&null", "x", { retain: true, qos: 0 });
    expect(device.take()).toEqual([]);
    expect(telemetry()).toMatchObject([{ properties: { "mqtt-retain": "true", empty: "", null: null } }]);
  });
});

function publish(topic: string, more: object = {}): Packet {
  return { cmd: "publish", topic, payload: Buffer.from("x"), qos: 1, messageId: 3, dup: false, retain: false, ...more };
}
const telemetry = () => raw.hub.events.since(0).filter(({ kind }) => kind === "telemetry");
