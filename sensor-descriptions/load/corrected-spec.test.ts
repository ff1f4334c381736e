import { expect, test } from "vitest";
import { loadStation } from "../load.ts";

const TYPE = `format: 1
type: air
source: "made for this test"
every: 10s
needs:
  address: { kind: whole-number, default: 1 }
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 100ms }
frame:
  - { part: start, bytes: "55" }
  - { part: address, as: u8 }
  - { part: length, as: u8, counts: body }
  - { part: body }
reads:
  all:
    send: "01"
    answer: "81"
    channels:
      temperature: { byte: 1, as: i16, scale: 0.1, unit: °C, range: -40 to 60 }
      humidity: { byte: 3, as: u8, unit: "%", range: 0 to 100 }
      dew-point: { formula: "dew_point(temperature, humidity)", unit: °C, resolution: 0.1 }
      spread: { formula: temperature - dew_point, unit: °C, resolution: 0.1 }
`;
const station = (correct: string): string => `format: 1
station: here
ports:
  line: { serial: /dev/ttyX }
devices:
  air:
    type: air
    port: line
${correct}`;

const valuesWith = (correct: string) => {
  const { station: loaded, problems } = loadStation({ path: "station.yaml", text: station(correct) }, () => ({
    path: "air.yaml",
    text: TYPE,
  }));
  const protocol = loaded?.devices[0]?.protocol;
  if (protocol?.kind !== "serial") throw new Error(problems.map(({ message }) => message).join("\n"));
  // 25.0 °C, 50 %
  const answer = Uint8Array.of(0x55, 1, 4, 0x81, 0x00, 0xfa, 50);
  const outcome = protocol
    .read(1, "all", () => undefined)
    .recognise()
    .push(answer);
  if (outcome?.kind !== "answer") throw new Error("no answer");
  return outcome.values;
};

test("a dew point is that of the corrected temperature", () => {
  const plain = valuesWith("");
  const colder = valuesWith("    correct: { temperature: -5 °C }\n");
  // What is read stays as the sensor said it: the correction of the channel itself comes later.
  expect(colder.get("temperature")).toBe(25);
  expect(plain.get("dew-point")).toBeCloseTo(13.9, 1);
  expect(colder.get("dew-point")).toBeCloseTo(9.3, 1);
});

test("a formula over a corrected channel and a computed one sees both as they are meant", () => {
  const colder = valuesWith("    correct: { temperature: -5 °C }\n");
  expect(colder.get("spread")).toBeCloseTo(20 - (colder.get("dew-point") as number), 6);
});

test("a value that the correction moves out of its range computes nothing", () => {
  expect(valuesWith("    correct: { temperature: 36 °C }\n").get("dew-point")).toBe("malformed");
  // And one that the correction brings into it computes.
  expect(typeof valuesWith("    correct: { humidity: 10 % }\n").get("dew-point")).toBe("number");
});
