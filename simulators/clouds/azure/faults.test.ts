/** What goes wrong on purpose, seen from the device. */
import type { Packet } from "mqtt-packet";
import { beforeEach, describe, expect, it } from "vitest";
import type { Fault } from "./faults.ts";
import { createRawHub, type RawDevice, type RawHub } from "./testing/raw-device.ts";

const EVENTS = "devices/gw1/messages/events/";
const ALL = [
  "devices/gw1/messages/devicebound/#",
  "$iothub/twin/res/#",
  "$iothub/twin/PATCH/properties/desired/#",
  "$iothub/methods/POST/#",
];

let raw: RawHub;
let device: RawDevice;
beforeEach(async () => {
  raw = createRawHub();
  device = await raw.connect("gw1");
  await device.subscribe(...ALL);
  device.take();
});

const stored = () => raw.hub.events.since(0).filter(({ kind }) => kind === "telemetry").length;
const cmds = (packets: readonly Packet[]) => packets.map(({ cmd }) => cmd);

describe("a fault on telemetry", () => {
  it.each<[string, Fault, number, readonly string[], "reset" | "fin" | undefined]>([
    ["lost", { on: "telemetry", do: "lose" }, 0, [], undefined],
    ["stored, its acknowledgement lost", { on: "telemetry", do: "lose-answer" }, 1, [], undefined],
    ["stored twice", { on: "telemetry", do: "twice" }, 2, ["puback"], undefined],
    ["cut before it is stored", { on: "telemetry", do: "cut", when: "before" }, 0, [], "reset"],
    ["cut after it is stored", { on: "telemetry", do: "cut", when: "after" }, 1, [], "reset"],
    ["refused: the connection ends", { on: "telemetry", do: "refuse", status: 429 }, 0, [], "fin"],
    ["swallowed by a half-open link", { on: "telemetry", do: "silent" }, 0, [], undefined],
  ])("%s", async (_, fault, copies, answers, closed) => {
    raw.hub.faults.add(fault);
    await device.publish(EVENTS, "x");
    expect(stored()).toBe(copies);
    expect(cmds(device.take())).toEqual(answers);
    expect(device.closed).toBe(closed);
    expect(raw.hub.events.since(0)).toContainEqual(expect.objectContaining({ kind: "fault", does: fault.do }));
  });

  it("strikes once, or as often as asked, after what it lets pass, and only its device", async () => {
    raw.hub.faults.add({ on: "telemetry", do: "lose", device: "gw2" });
    raw.hub.faults.add({ on: "telemetry", do: "lose", skip: 1, times: 2 });
    for (let count = 0; count < 5; count++) await device.publish(EVENTS, "x");
    expect(stored()).toBe(3);
    expect(raw.hub.faults.list()).toHaveLength(1);
    raw.hub.faults.clear();
    expect(raw.hub.faults.list()).toEqual([]);
  });

  it("delays by the clock", async () => {
    raw.hub.faults.add({ on: "telemetry", do: "delay", ms: 10_000 });
    await device.publish(EVENTS, "x");
    await raw.time.advance(9_000);
    expect(stored()).toBe(0);
    await raw.time.advance(1_001);
    expect(cmds(device.take())).toEqual(["puback"]);
  });
});

describe("a fault on the twin", () => {
  const get = () => device.publish("$iothub/twin/GET/?$rid=1", "", { qos: 0 });
  it.each([
    ["json", /"errorCode":429001/],
    ["empty", /^$/],
  ] as const)("refuses with a body (%s)", async (body, expected) => {
    raw.hub.faults.add({ on: "twin-get", do: "refuse", status: 429, body });
    await get();
    const [answer] = device.take();
    expect(answer).toMatchObject({ cmd: "publish", topic: "$iothub/twin/res/429/?$rid=1" });
    expect(answer?.cmd === "publish" ? Buffer.from(answer.payload).toString() : "").toMatch(expected);
  });

  it("carries out a report and loses the answer", async () => {
    raw.hub.faults.add({ on: "twin-report", do: "lose-answer" });
    await device.publish("$iothub/twin/PATCH/properties/reported/?$rid=1", '{"a":1}', { qos: 0 });
    expect(device.take()).toEqual([]);
    expect(raw.hub.twin("gw1").reported.version).toBe(2);
  });

  it("answers twice", async () => {
    raw.hub.faults.add({ on: "twin-get", do: "twice" });
    await get();
    expect(cmds(device.take())).toEqual(["publish", "publish"]);
  });

  it.each([
    ["lose", []],
    ["twice", [2, 2]],
  ] as const)("on desired: %s", async (what, versions) => {
    raw.hub.faults.add({ on: "desired", do: what });
    raw.hub.setDesired("gw1", { a: 1 });
    await raw.time.advance(1);
    const seen = device
      .take()
      .flatMap((packet) => (packet.cmd === "publish" ? [Number(packet.topic.split("=")[1])] : []));
    expect(seen).toEqual(versions);
  });
});

describe("a fault on a connection", () => {
  it("refuses CONNECT with the code asked for, once", async () => {
    raw.hub.faults.add({ on: "connect", do: "refuse", status: 3 });
    const refused = await raw.connect("gw1");
    expect(refused.take()).toMatchObject([{ cmd: "connack", returnCode: 3 }]);
    expect((await raw.connect("gw1")).take()).toMatchObject([{ cmd: "connack", returnCode: 0 }]);
  });

  it("refuses subscriptions", async () => {
    raw.hub.faults.add({ on: "subscribe", do: "refuse", status: 0 });
    await device.subscribe("$iothub/twin/res/#");
    expect(device.take()).toMatchObject([{ cmd: "suback", granted: [0x80] }]);
  });

  it("leaves it half-open: nothing passes, nobody is told, and the hub gives up after 1.5 keep-alives", async () => {
    raw.hub.disconnect("gw1", "silent");
    await device.send({ cmd: "pingreq" });
    raw.hub.setDesired("gw1", { a: 1 });
    await raw.time.advance(89_000);
    expect(raw.hub.connection("gw1")).toBeDefined();
    await raw.time.advance(2_000);
    expect(raw.hub.connection("gw1")).toBeUndefined();
    expect(device.take()).toEqual([]);
    expect(device.closed).toBeUndefined();
  });

  it("throws everybody out while the hub is away", async () => {
    raw.hub.setAway(true);
    await raw.time.advance(1);
    expect(device.closed).toBe("reset");
    const later = await raw.connect("gw1");
    expect(later.closed).toBe("reset");
    raw.hub.setAway(false);
    expect((await raw.connect("gw1")).take()).toMatchObject([{ returnCode: 0 }]);
  });
});
