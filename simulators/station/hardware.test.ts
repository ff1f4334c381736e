/** The hardware of the demonstration's station, asked through the same descriptions that the agent asks with. */
import { readFileSync } from "node:fs";
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { loadStation } from "@pump-station/sensor-descriptions/load.ts";
import type {
  Device,
  I2cConversation,
  I2cProtocol,
  SerialExchange,
  SerialProtocol,
} from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, test } from "vitest";
import type { LinePeer, Terminal } from "../world.ts";
import { createHardware } from "./hardware.ts";

const descriptions = new URL("../../sensor-descriptions/", import.meta.url);
const textOf = (path: string) => readFileSync(new URL(path, descriptions), "utf8");
const { station } = loadStation({ path: "demo-lake.yaml", text: textOf("stations/demo-lake.yaml") }, (type) => {
  const path = `${type === "pump-mk2" ? "boards" : "sensors"}/${type}.yaml`;
  return { path, text: textOf(path) };
});
const AIR = { temperatureC: 21.5, humidityPercent: 47.2, pressurePa: 94_812 };

function powered() {
  if (!station) throw new Error("demo-lake doesn't load");
  const time = createSimulatedTime();
  let fromAgent: (bytes: Uint8Array) => void = () => undefined;
  const toAgent: Uint8Array[] = [];
  const terminal: Terminal = {
    path: "/dev/pts/7",
    counted: { in: 0, out: 0 },
    onBytes: (listener) => void (fromAgent = listener),
    write: (bytes) => void toAgent.push(bytes),
    close: () => undefined,
  };
  const rain = { mmPerHour: 0 };
  const hardware = createHardware({
    station,
    clock: time.clock,
    timers: time.timers,
    seed: 1,
    surroundings: { air: () => AIR, rainMmPerHour: () => rain.mmPerHour },
    openTerminal: () => terminal,
  });
  const device = (name: string) => station.devices.find((it) => it.name === name) as Device;
  const ask = (exchange: SerialExchange) => {
    fromAgent(exchange.request);
    const recogniser = exchange.recognise();
    const outcome = toAgent.splice(0).map((bytes) => recogniser.push(bytes))[0];
    return outcome;
  };
  return { time, hardware, device, ask, rain, toAgent };
}

/** A connection to the simulated ports as lines. */
function connect(hardware: ReturnType<typeof powered>["hardware"]) {
  const heard: Record<string, unknown>[] = [];
  let say: (line: string) => void = () => undefined;
  const peer: LinePeer = {
    send: (line) => void heard.push(JSON.parse(line)),
    onLine: (listener) => void (say = listener),
    onClosed: () => undefined,
    close: () => undefined,
  };
  hardware.ports.serve(peer);
  return { heard, say: (message: object) => say(JSON.stringify(message)) };
}

async function converse<T>(
  { time, hardware }: ReturnType<typeof powered>,
  address: number,
  conversation: I2cConversation<T>,
): Promise<T> {
  const { heard, say } = connect(hardware);
  let step = conversation.next(new Uint8Array());
  while (!step.done) {
    if (step.value.do === "wait") {
      await time.advance(step.value.ms);
      step = conversation.next(new Uint8Array());
    } else {
      const write = Buffer.from(step.value.write).toString("hex");
      say({ id: 1, bus: "/dev/i2c-1", transfer: { address, write, read: step.value.readLength } });
      step = conversation.next(Uint8Array.from(Buffer.from(String(heard.pop()?.["bytes"]), "hex")));
    }
  }
  return step.value;
}

describe("the baseboard", () => {
  test("answers with exactly what its journal says", () => {
    const { device, ask, hardware } = powered();
    const outcome = ask((device("pump").protocol as SerialProtocol).read(1, "status", () => undefined));
    if (outcome?.kind !== "answer") throw new Error(`no answer: ${outcome?.kind}`);
    const [entry] = hardware.journal.newest("pump");
    for (const [channel, value] of outcome.values) expect(value).toBeCloseTo(Number(entry?.values[channel]), 9);
    expect([...outcome.values.keys()]).toEqual(["state", "pressure", "current", "temperature", "cycles", "target"]);
    expect(hardware.evidence().requests["pump"]).toEqual({ answered: 1, refused: 0, bad: 0 });
  });

  test("takes a setting while idle and shows it when it is read back", async () => {
    const { time, device, ask, hardware } = powered();
    const protocol = device("pump").protocol as SerialProtocol;
    const read = () => ask(protocol.read(1, "status", () => undefined));
    for (let second = 0; hardware.evidence().now["pump"]?.["state"] !== 0; second++) {
      if (second > 90) throw new Error("never idle");
      await time.advance(1_000);
    }
    expect(ask(protocol.set(1, "target", 640))?.kind).toBe("answer");
    const outcome = read();
    expect(outcome?.kind === "answer" && outcome.values.get("target")).toBe(640);
    expect(hardware.journal.newest("pump").at(-2)).toMatchObject({ did: "set", values: { target: 640 } });
  });

  test("stays silent on a broken frame, and counts it", () => {
    const { device, toAgent, ask, hardware } = powered();
    const exchange = (device("pump").protocol as SerialProtocol).read(1, "status", () => undefined);
    const broken = exchange.request.slice();
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
    expect(ask({ ...exchange, request: broken, recognise: () => exchange.recognise() })).toBeUndefined();
    expect(toAgent).toEqual([]);
    expect(hardware.evidence().requests["pump"]).toEqual({ answered: 0, refused: 0, bad: 1 });
  });
});

describe("the chips", () => {
  test.each([
    ["climate", 0x76, ["temperature", "humidity", "pressure"]],
    ["cabinet", 0x44, ["temperature", "humidity"]],
  ])("%s gives the air that is there, through its description", async (name, address, channels) => {
    const powerful = powered();
    const protocol = powerful.device(name).protocol as I2cProtocol;
    const constants = await converse(powerful, address, protocol.prepare());
    const values = await converse(powerful, address, protocol.measure(constants));
    const air: Record<string, number> = {
      temperature: AIR.temperatureC,
      humidity: AIR.humidityPercent,
      pressure: AIR.pressurePa / 100,
    };
    for (const channel of channels) expect(Number(values.get(channel))).toBeCloseTo(air[channel] ?? 0, 1);
    expect(powerful.hardware.evidence().chips[name]).toEqual({ triggers: 1, reads: 1 });
  });
});

test("rain tips the bucket, and whoever watches is told with the time of each edge", async () => {
  const { time, hardware, rain } = powered();
  const { heard, say } = connect(hardware);
  say({ id: 1, chip: "pinctrl-bcm2711", watch: { pin: 17, edge: "falling" } });
  const stop = new AbortController();
  const running = hardware.run(stop.signal);
  rain.mmPerHour = 100;
  await time.advance(21_000);
  stop.abort();
  await running;
  // 21 s at 100 mm/h are 0.58 mm: two tips of 0.2794 mm, each with a chatter.
  expect(hardware.evidence().pulses).toEqual({ rain: { tips: 2, told: 2 } });
  const edges = heard.slice(1).map(({ edge }) => (edge as { ms: number }).ms);
  expect(edges).toHaveLength(4);
  expect(edges).toEqual([...edges].sort((a, b) => a - b));
  expect(hardware.journal.newest("rain").map(({ did }) => did)).toEqual(["tip", "tip"]);
});
