import { expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";

const HEAD = `format: 1
type: weather
source: "own protocol"
every: 10s
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 100ms }
`;
const FORMULA = `{ formula: "dew_point(temperature, humidity)", unit: °C, resolution: 0.1 }`;

function valuesOf(text: string, answer: Uint8Array) {
  const { type, problems } = loadDeviceType({ path: "weather.yaml", text: HEAD + text });
  const protocol = type?.protocol(new Map());
  if (protocol?.kind !== "serial") throw new Error(problems.map(({ message }) => message).join("\n"));
  const outcome = protocol
    .read(0, "air", () => undefined)
    .recognise()
    .push(answer);
  if (outcome?.kind !== "answer") throw new Error(String(outcome?.kind));
  return Object.fromEntries(outcome.values);
}

const FRAME = `frame:
  - { part: start, bytes: "55" }
  - { part: body, length: 3 }
reads:
  air:
    send: "01"
    answer: "81"
`;
const BYTES = `${FRAME}    channels:
      temperature: { byte: 1, as: i8, unit: °C }
      humidity: { byte: 2, as: u8, unit: "%", range: 0 to 100 }
      dew-point: ${FORMULA}
`;
const RECORDS = `${FRAME}    records: { from: 1, length: 1 }
    channels:
      temperature: { record: 0, byte: 0, as: i8, unit: °C }
      humidity: { record: 1, byte: 0, as: u8, unit: "%", range: 0 to 100 }
      dew-point: ${FORMULA}
`;
const LINES = `protocol: lines
reads:
  air:
    send: "R"
    answer: "V,"
    channels:
      temperature: { field: 1, decimals: 0, unit: °C }
      humidity: { field: 2, decimals: 0, unit: "%", range: 0 to 100 }
      dew-point: ${FORMULA}
`;
const letters = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

it.each([
  ["bytes", BYTES, (humidity: number) => Uint8Array.of(0x55, 0x81, 20, humidity)],
  ["lines", LINES, (humidity: number) => letters(`V,20,${humidity}\r\n`)],
])("%s: a formula computes nothing from a value outside its plausible range", (_, text, answer) => {
  expect(valuesOf(text, answer(100))["dew-point"]).toBeCloseTo(20, 9);
  // The channel itself keeps what was read: a correction of the station may still bring it back.
  expect(valuesOf(text, answer(150))).toEqual({ temperature: 20, humidity: 150, "dew-point": "malformed" });
});

it("nor from one in a record", () => {
  expect(valuesOf(RECORDS, Uint8Array.of(0x55, 0x81, 20, 100))["dew-point"]).toBeCloseTo(20, 9);
  expect(valuesOf(RECORDS, Uint8Array.of(0x55, 0x81, 20, 150))["dew-point"]).toBe("malformed");
});
