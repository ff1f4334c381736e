import { parseCondition } from "@pump-station/sensor-descriptions/formula/condition.ts";
import type { Alarm, Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import type { AlarmTransition, Sample } from "./reading.ts";
import { createRunningStation } from "./running-station.ts";
import { createScriptedSerial } from "./testing/scripted-serial.ts";
import { createSimulatedTime } from "./testing/simulated-time.ts";
import { createSmallDevice, createSmallProtocol, smallReport, whenIs } from "./testing/small-protocol.ts";
import type { Ports } from "./world.ts";

const hot: Alarm = {
  name: "too-hot",
  when: {
    text: "tips above 10",
    channels: ["tips"],
    test: (of) => (of("tips") === undefined ? undefined : (of("tips") ?? 0) > 10),
  },
  forMs: 0,
  severity: "critical",
};
const device = (alarms: readonly Alarm[]): Device => ({
  name: "rain",
  type: "tipping-bucket",
  port: "pins",
  pin: 17,
  protocol: { kind: "pulses", edge: "falling", debounceMs: 0, values: ({ total }) => new Map([["tips", total]]) },
  channels: [{ name: "tips", kind: "counter", unit: "", resolution: 1 }],
  everyMs: 1_000,
  correct: new Map(),
  smallChange: new Map(),
  heartbeatMs: 900_000,
  settings: [],
  commands: [],
  alarms,
  place: "station.yaml:1",
});
const stationOf = (alarms: readonly Alarm[]): Station => ({
  name: "demo",
  label: "demo",
  timeZone: "UTC",
  ports: new Map([["pins", { name: "pins", kind: "gpio", path: "chip" }]]),
  devices: [device(alarms)],
  hash: "1",
});

/** A process: what it is told to remember outlives it. */
async function process(remembered: { names: readonly string[] }, station: Station, pulses: number) {
  const time = createSimulatedTime();
  const told: AlarmTransition[] = [];
  const noted: string[] = [];
  const gpio = {
    countPulses: () =>
      Promise.resolve({ count: () => pulses, trouble: () => undefined, close: () => Promise.resolve() }),
  };
  const running = createRunningStation(
    {
      ...time,
      log: () => {},
      ports: { gpio: () => gpio } as unknown as Ports,
      totals: { loadTotal: () => 0, saveTotal: () => {} },
      onFresh: () => {},
      onSample: () => {},
      onAlarm: (transition) => {
        told.push(transition);
        noted.push(`told while ${JSON.stringify(remembered.names)} was noted`);
      },
      activeAlarms: {
        load: () => remembered.names,
        save: (names) => {
          remembered.names = names;
        },
      },
    },
    station,
    { fullSpeed: false },
  );
  await time.advance(3_000);
  await running.stop();
  return { told: told.map(({ alarm, active }) => `${alarm} ${active}`), noted };
}

describe("alarms across restarts", () => {
  it("an alarm that ended while nobody watched is ended by the next process", async () => {
    const remembered = { names: [] as readonly string[] };
    expect((await process(remembered, stationOf([hot]), 20)).told).toEqual(["too-hot true"]);
    expect(remembered.names).toEqual(["rain.too-hot"]);
    expect((await process(remembered, stationOf([hot]), 20)).told).toEqual([]);
    expect((await process(remembered, stationOf([hot]), 3)).told).toEqual(["too-hot false"]);
    expect(remembered.names).toEqual([]);
  });

  it("an alarm that left the description is ended", async () => {
    const remembered = { names: ["rain.too-hot"] as readonly string[] };
    expect((await process(remembered, stationOf([]), 20)).told).toEqual(["too-hot false"]);
    expect(remembered.names).toEqual([]);
  });

  it("is noted while it is told, so that a kill in between can't leave it active for ever", async () => {
    const remembered = { names: [] as readonly string[] };
    expect((await process(remembered, stationOf([hot]), 20)).noted).toEqual(['told while ["rain.too-hot"] was noted']);
    expect((await process(remembered, stationOf([hot]), 3)).noted).toEqual(['told while ["rain.too-hot"] was noted']);
  });
});

describe("what the cloud changes of a device", () => {
  it("runs from the next reading on: alarms by their new limits, and no port is opened again", async () => {
    const time = createSimulatedTime();
    const told: string[] = [];
    let opened = 0;
    const parsed = parseCondition("tips above 100", new Map([["tips", { unit: "" }]]), Number);
    if ("problem" in parsed) throw new Error(parsed.problem.message);
    const gpio = {
      countPulses: () => {
        opened++;
        return Promise.resolve({ count: () => 50, trouble: () => undefined, close: () => Promise.resolve() });
      },
    };
    const running = createRunningStation(
      {
        ...time,
        log: () => {},
        ports: { gpio: () => gpio } as unknown as Ports,
        totals: { loadTotal: () => 0, saveTotal: () => {} },
        onFresh: () => {},
        onSample: () => {},
        onAlarm: ({ because, active }) => told.push(`${active ? "begins" : "ends"}: ${because}`),
        activeAlarms: { load: () => [], save: () => {} },
      },
      stationOf([{ ...hot, when: parsed.ok }]),
      { fullSpeed: false },
    );
    await time.advance(3_000);
    expect(told).toEqual([]);
    running.tune("rain", { alarms: new Map([["too-hot", { when: new Map([[0, 40]]) }]]) });
    await time.advance(1_000);
    expect(told).toEqual(["begins: tips above 40: tips 50"]);
    running.tune("rain", {});
    await time.advance(1_000);
    expect(told.at(-1)).toBe("ends: tips above 100: tips 50");
    expect(opened).toBe(1);
    await running.stop();
  });
});

describe("a device that sends by itself", () => {
  it("begins an alarm and shows its state at once, not at the next poll an hour later", async () => {
    const time = createSimulatedTime();
    const fault: Alarm = { name: "pumping", when: whenIs("state", 1), forMs: 0, severity: "critical" };
    const pump = createSmallDevice({
      protocol: createSmallProtocol({}, { reads: "reported" }),
      channels: createSmallDevice().channels.slice(0, 2),
      everyMs: 3_600_000,
      alarms: [fault],
    });
    const serial = createScriptedSerial(time, () => []);
    const told: string[] = [];
    const kept: Sample[] = [];
    const running = createRunningStation(
      {
        ...time,
        log: () => {},
        ports: { serial } as unknown as Ports,
        totals: { loadTotal: () => 0, saveTotal: () => {} },
        onFresh: () => {},
        onSample: (sample) => kept.push(sample),
        onAlarm: ({ alarm, active }) => told.push(`${alarm} ${active}`),
        activeAlarms: { load: () => [], save: () => {} },
      },
      {
        ...stationOf([]),
        ports: new Map([["line", { name: "line", kind: "serial", path: "/dev/x" }]]),
        devices: [pump],
      },
      { fullSpeed: false },
    );
    await time.advance(10);
    serial.say(smallReport(50, 0));
    await time.advance(60_000);
    serial.say(smallReport(51, 1));
    await time.advance(10);
    expect(kept.map(({ values }) => values)).toEqual([
      [50, 0],
      [51, 1],
    ]);
    expect(told).toEqual(["pumping true"]);
    expect(kept[1]?.bootMs).toBe(time.clock.bootMs() - 10);
    await running.stop();
    expect(time.waiting).toBe(0);
  });

  it("that is waited for doesn't hold up the end", async () => {
    const time = createSimulatedTime();
    const pump = createSmallDevice({ protocol: createSmallProtocol({}, { reads: "reported" }), everyMs: 3_600_000 });
    const running = createRunningStation(
      {
        ...time,
        log: () => {},
        ports: { serial: createScriptedSerial(time, () => []) } as unknown as Ports,
        totals: { loadTotal: () => 0, saveTotal: () => {} },
        onFresh: () => {},
        onSample: () => {},
        onAlarm: () => {},
        activeAlarms: { load: () => [], save: () => {} },
      },
      {
        ...stationOf([]),
        ports: new Map([["line", { name: "line", kind: "serial", path: "/dev/x" }]]),
        devices: [pump],
      },
      { fullSpeed: false },
    );
    await time.advance(100);
    let isStopped = false;
    void running.stop().then(() => {
      isStopped = true;
    });
    await time.advance(1);
    expect(isStopped).toBe(true);
  });
});
