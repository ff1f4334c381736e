/** Devices that have to be told something before they can be read: SHDLC-like frames, and Modbus with texts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadStation } from "@pump-station/sensor-descriptions/load.ts";
import type { DeviceRequest } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import type { Sample } from "../reading.ts";
import { createSerialBench } from "../testing/serial-bench.ts";
import type { SerialDevice } from "./serial-reader.ts";

const FOLDER = join(import.meta.dirname, "../../sensor-descriptions/testing/devices");
const textOf = (type: string): string => readFileSync(join(FOLDER, `${type}.yaml`), "utf8");

function deviceOf(type: string, edit: (text: string) => string = (text) => text): SerialDevice {
  const needs = textOf(type).includes("modbus") ? "\n    address: 7" : "";
  const station = `format: 1
station: demo-lake
ports:
  line:
    serial: /dev/ttyS1
devices:
  one:
    type: ${type}
    port: line${needs}
`;
  const loaded = loadStation({ path: "/station.yaml", text: station }, () => ({
    path: `/${type}.yaml`,
    text: edit(textOf(type)),
  }));
  expect(loaded.problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return loaded.station!.devices[0] as SerialDevice;
}

type Reply = "answer" | "silence" | "garbled" | number;

/** The device on the other end of the line; `reply` says how it takes each request. `heard` is what it understood. */
function createFarEnd(device: SerialDevice, reply: (request: DeviceRequest, nth: number) => Reply) {
  const side = device.protocol.deviceSide(device.address ?? 0);
  const heard: string[] = [];
  const values = new Map(device.channels.map(({ name }) => [name, 25]));
  const bench = createSerialBench(
    (bytes) => {
      const [request] = side.push(bytes);
      if (!request || request.kind === "bad") return [];
      heard.push(
        request.kind === "read" ? request.read : request.kind === "set-up" ? `set-up ${request.step}` : request.kind,
      );
      const how = reply(request, heard.length);
      if (how === "silence") return [];
      const frame = request.kind === "read" ? request.answer(values, new Map([["firmware", "1.7"]])) : request.answer();
      const told = typeof how === "number" ? request.refuse(how) : frame;
      if (how === "garbled") told[told.length - 1]! ^= 0xff;
      return [{ afterMs: 3, bytes: told }];
    },
    [device],
  );
  const poll = async (): Promise<Sample["values"]> => {
    const { values: got } = await bench.settled(bench.source.poll());
    await bench.time.advance(10_000);
    return got;
  };
  const since = (): string[] => heard.splice(0);
  return { ...bench, poll, since };
}

const READY = ["set-up 1", "set-up 3", "dust"];

describe("a device with a set-up", () => {
  it("is set up before its first read, in order and with the pause, and is not again while it answers", async () => {
    const far = createFarEnd(deviceOf("set-up-framed"), () => "answer");
    const startMs = far.time.clock.bootMs();
    const sample = await far.settled(far.source.poll());
    expect(far.time.clock.bootMs() - startMs).toBeGreaterThan(100);
    expect(sample.values).toEqual([25]);
    expect(far.since()).toEqual(READY);
    expect(await far.poll()).toEqual([25]);
    expect(far.since()).toEqual(["dust"]);
  });

  it("is set up again when it comes back after a poll in which it said nothing", async () => {
    let isAway = false;
    const far = createFarEnd(deviceOf("set-up-framed"), () => (isAway ? "silence" : "answer"));
    await far.poll();
    isAway = true;
    expect(await far.poll()).toEqual([{ missing: "timeout" }]);
    isAway = false;
    far.since();
    expect(await far.poll()).toEqual([25]);
    expect(far.since()).toEqual(READY);
  });

  it("is set up again when a read is refused with a code that says so, once in a poll", async () => {
    let hasForgotten = true;
    const far = createFarEnd(deviceOf("set-up-framed"), (request) => {
      if (request.kind === "set-up") hasForgotten = false;
      return request.kind === "read" && hasForgotten ? 0x43 : "answer";
    });
    await far.poll();
    far.since();
    hasForgotten = true;
    expect(await far.poll()).toEqual([25]);
    expect(far.since()).toEqual(["dust", ...READY]);

    const stubborn = createFarEnd(deviceOf("set-up-framed"), ({ kind }) => (kind === "read" ? 0x43 : "answer"));
    expect(await stubborn.poll()).toEqual([{ missing: "refused", code: 0x43 }]);
    expect(stubborn.since()).toEqual(READY);
  });

  it("is not set up again after a refusal with another code", async () => {
    const far = createFarEnd(deviceOf("set-up-framed"), ({ kind }) => (kind === "read" ? 0x20 : "answer"));
    expect(await far.poll()).toEqual([{ missing: "refused", code: 0x20 }]);
    expect(far.since()).toEqual(READY);
  });

  it("whose optional step is refused is read all the same; any other refusal is the poll's reason, and nothing is read", async () => {
    const refusing = ({ kind }: DeviceRequest): Reply => (kind === "set-up" ? 0x43 : "answer");
    const optional = createFarEnd(deviceOf("set-up-framed"), refusing);
    expect(await optional.poll()).toEqual([25]);
    const strict = createFarEnd(
      deviceOf("set-up-framed", (text) => text.replace(", optional: true", "")),
      refusing,
    );
    expect(await strict.poll()).toEqual([{ missing: "refused", code: 0x43 }]);
    expect(strict.since()).toEqual(["set-up 1", "set-up 3"]);
    expect(strict.source.health().lastError?.what).toBe("set-up 3: refused: not allowed in this state (67)");
  });

  it("that stays silent to a step is asked no more often than its retries, and the reason is that of the step", async () => {
    const far = createFarEnd(
      deviceOf("set-up-framed", (text) => text.replace("retries: 0", "retries: 2")),
      ({ kind }) => (kind === "set-up" ? "silence" : "answer"),
    );
    expect(await far.poll()).toEqual([{ missing: "timeout" }]);
    expect(far.since()).toEqual(["set-up 1", "set-up 3", "set-up 3", "set-up 3"]);
  });

  it("whose answer to a step is garbled is asked once more, and then its reason is the checksum", async () => {
    const far = createFarEnd(
      deviceOf("set-up-framed", (text) => text.replace("retries: 0", "retries: 1")),
      (request) => (request.kind === "set-up" ? "garbled" : "answer"),
    );
    expect(await far.poll()).toEqual([{ missing: "checksum" }]);
    expect(far.since()).toEqual(["set-up 1", "set-up 3", "set-up 3"]);
  });

  it("is set up before what it sends by itself is waited for", async () => {
    const device = deviceOf("set-up-framed", (text) =>
      text
        .replace('send: "03"\n    answer: "03"', 'by-itself: true\n    answer: "03"')
        .replace(/ {4}sent: "7E 01 03 FB"\n {4}answer/, "    received"),
    );
    const far = createFarEnd(device, () => "answer");
    expect(await far.poll()).toEqual([{ missing: "timeout" }]);
    expect(far.since()).toEqual(["set-up 1", "set-up 3"]);
    const polled = far.source.poll();
    await far.time.advance(500);
    far.serial.say(device.protocol.report!(0, "dust", new Map([["pm25", 7]])));
    expect((await far.settled(polled)).values).toEqual([7]);
    // The first poll heard nothing, so it may have lost power.
    expect(far.since()).toEqual(["set-up 1", "set-up 3"]);
    far.serial.say(device.protocol.report!(0, "dust", new Map([["pm25", 8]])));
    await far.poll();
    expect(far.since()).toEqual([]);
  });
});

describe("a device that is told something before every reading", () => {
  const triggered = (text: string): string =>
    text
      .replace("- { wait: 100ms }", "- { wait: 100ms, each-time: true }")
      .replace("optional: true", "each-time: true");

  it("hears those steps each time, with their pauses, and the others only after power came", async () => {
    const far = createFarEnd(deviceOf("set-up-framed", triggered), () => "answer");
    await far.poll();
    expect(far.since()).toEqual(READY);
    const startMs = far.time.clock.bootMs();
    expect((await far.settled(far.source.poll())).values).toEqual([25]);
    expect(far.time.clock.bootMs() - startMs).toBeGreaterThan(100);
    expect(far.since()).toEqual(["set-up 3", "dust"]);
  });

  it("is not read when it doesn't answer that, and the reason is that step's", async () => {
    let isDeaf = false;
    const far = createFarEnd(deviceOf("set-up-framed", triggered), ({ kind }) =>
      isDeaf && kind === "set-up" ? "silence" : "answer",
    );
    await far.poll();
    isDeaf = true;
    far.since();
    expect(await far.poll()).toEqual([{ missing: "timeout" }]);
    expect(far.since()).toEqual(["set-up 3"]);
    isDeaf = false;
    expect(await far.poll()).toEqual([25]);
    expect(far.since()).toEqual(READY);
  });
});

describe("what a device says of itself in words", () => {
  const withTexts = (text: string): string =>
    text.replace("settings:", "texts:\n  firmware: { register: holding 16 to 17 }\nsettings:");
  const TEXTS = "texts holding 16 to 17";

  it("is asked once when it appears, and again when it comes back", async () => {
    let isAway = false;
    const far = createFarEnd(deviceOf("set-up-modbus", withTexts), () => (isAway ? "silence" : "answer"));
    await far.poll();
    expect(far.since()).toEqual(["set-up 1", "set-up 2", "holding 6", "input 1", TEXTS]);
    expect(far.source.health().info).toEqual({ firmware: "1.7" });
    await far.poll();
    expect(far.since()).toEqual(["holding 6", "input 1"]);
    isAway = true;
    await far.poll();
    isAway = false;
    far.since();
    await far.poll();
    expect(far.since()).toContain(TEXTS);
  });

  it("is given up where nothing answers, after a few polls, and costs no value", async () => {
    const far = createFarEnd(deviceOf("set-up-modbus", withTexts), (request) =>
      request.kind === "read" && request.read === TEXTS ? "silence" : "answer",
    );
    for (let polls = 0; polls < 6; polls++) expect(await far.poll()).toEqual([25, 25]);
    expect(far.since().filter((what) => what === TEXTS)).toHaveLength(6);
  });

  it("is not asked again where it is refused", async () => {
    const far = createFarEnd(deviceOf("set-up-modbus", withTexts), (request) =>
      request.kind === "read" && request.read === TEXTS ? 2 : "answer",
    );
    await far.poll();
    await far.poll();
    expect(far.since().filter((what) => what === TEXTS)).toHaveLength(1);
  });
});
