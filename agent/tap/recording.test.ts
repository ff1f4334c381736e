import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BusEvent,
  BusRecordingError,
  bytesFrom,
  createHead,
  hexFrom,
  lineFrom,
  parseBusRecording,
} from "./recording.ts";

/** Recordings that people keep look like this for ever. */
const GOLDEN = `{"format":"pump-station-bus","version":1,"station":"demo-lake","port":{"name":"baseboard","kind":"serial","path":"/dev/ttyUSB0"},"started":"2026-05-02T08:00:00.000Z","by":"agent","speed":115200,"mode":"8N1"}
{"ms":0,"opened":{"speed":9600,"mode":"8N1"}}
{"ms":12.5,"sent":"55 AA 01 01 01 E0 50"}
{"ms":15.125,"heard":"55 AA 01"}
{"ms":20,"took":0.8,"address":"0x76","write":"D0","read":1,"got":"60"}
{"ms":30,"took":0.5,"address":"0x44","write":"","read":6,"failed":"nack"}
{"ms":40,"pin":17,"edge":"falling"}
{"ms":50,"pin":"RELAY","drive":1}
{"ms":60,"lost":12}
{"ms":99,"closed":"unplugged"}
`;

const HEAD = createHead({
  station: "demo-lake",
  port: { name: "baseboard", kind: "serial", path: "/dev/ttyUSB0" },
  started: "2026-05-02T08:00:00.000Z",
  by: "agent",
  settings: { baudRate: 115_200, dataBits: 8, parity: "none", stopBits: 1 },
});

describe("a recording of a port", () => {
  it("is written, and read back, as it always was", () => {
    const { head, events } = parseBusRecording(GOLDEN);
    expect(head).toEqual(HEAD);
    expect([lineFrom(HEAD), ...events.map(lineFrom)].join("")).toBe(GOLDEN);
  });

  it("loses only the line that a killed recorder had begun", () => {
    expect(parseBusRecording(GOLDEN.slice(0, -5)).events.length).toBe(8);
  });

  it.each([
    ["", "line 1"],
    ["{}\n", 'line 1: no recording of a port: "format"'],
    [GOLDEN.replace('"version":1', '"version":2'), "line 1: version 2"],
    [GOLDEN.replace('"by":"agent"', '"by":"me"'), "line 1: the head lacks"],
    [GOLDEN.replace("55 AA 01 01", "55 AA 1 01"), "line 3: nothing that the format knows"],
    [GOLDEN.replace('"got":"60"', '"got":"60 61"'), "line 5"],
    [GOLDEN.replace('"ms":40', '"ms":4'), "line 7: ms 4 is before the line above"],
    [GOLDEN.replace('{"ms":60', '"ms":60'), "line 9: it is no JSON object"],
  ])("says with its line what is no recording (%#)", (text, message) => {
    expect(() => parseBusRecording(text)).toThrow(message);
  });

  it("comes back as it was written, whatever passed", () => {
    const hex = fc.uint8Array({ maxLength: 20 }).map(hexFrom);
    const ms = fc.nat({ max: 1e6 });
    const event: fc.Arbitrary<BusEvent> = fc.oneof(
      fc.record({ ms, sent: hex }),
      fc.record({ ms, heard: hex }),
      fc.record({ ms, closed: fc.string() }),
      fc.record({ ms, lost: fc.nat() }),
      fc.record({ ms, pin: fc.oneof(fc.nat(), fc.string()), edge: fc.constantFrom("rising", "falling", "both") }),
      fc.record({ ms, took: ms, address: fc.constant("0x76"), write: hex, read: fc.nat(), failed: fc.string() }),
    );
    fc.assert(
      fc.property(fc.array(event), (unsorted) => {
        const events = unsorted.sort((a, b) => a.ms - b.ms);
        expect(parseBusRecording([lineFrom(HEAD), ...events.map(lineFrom)].join("")).events).toEqual(events);
      }),
    );
  });

  it("is refused in words or read, however it was damaged", () => {
    const damaged = fc.tuple(fc.nat({ max: GOLDEN.length }), fc.nat({ max: 30 }), fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(damaged, ([at, length, text]) => {
        try {
          parseBusRecording(GOLDEN.slice(0, at) + text + GOLDEN.slice(at + length));
        } catch (error) {
          expect(error).toBeInstanceOf(BusRecordingError);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("has bytes that a person can read and a program can, too", () => {
    expect(hexFrom(Uint8Array.of(0, 0xab, 255))).toBe("00 AB FF");
    expect(bytesFrom("00 AB FF")).toEqual(Uint8Array.of(0, 0xab, 255));
    expect([hexFrom(new Uint8Array()), bytesFrom("")]).toEqual(["", new Uint8Array()]);
  });
});
