import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordingError, recordedMs, tableFrom } from "./csv.ts";
import { recordingFrom, valueOf } from "./recording.ts";

const PUMP = `datetime;Accelerometer1RMS;Current;Volume Flow RateRMS;empty;anomaly
2020-03-09 10:14:33;0.0265878;1.3302;32.0;;0.0
2020-03-09 10:14:34;0.0261697;-1.35399;;;1.0
`;

describe("text", () => {
  test.each([
    ["time;a;b\n1;2;3", ";"],
    ["time,a,b\r\n1,2,3\r\n", ","],
    ["\uFEFFtime\ta\tb\n1\t2\t3\n\n", "tab"],
  ])("%j is split at its separator", (text) => {
    expect(tableFrom(text)).toEqual({ header: ["time", "a", "b"], rows: [{ line: 2, cells: ["1", "2", "3"] }] });
  });

  test("quoted cells may hold separators and quotes", () => {
    expect(tableFrom('time,"a ""big"", one",b\n1,"2",\n').header).toEqual(["time", 'a "big", one', "b"]);
    expect(tableFrom('time,a,b\n1,"2",\n').rows[0]?.cells).toEqual(["1", "2", ""]);
  });

  test("a row of another length is named by its line", () => {
    expect(() => tableFrom("time;a\n1;2\n\n3;4;5\n")).toThrow("line 4: 3 cells, but the header has 2");
  });

  test("whatever the text, it is read or refused with a RecordingError", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(";", ",", '"', "\n", "1", "x", " ")), (parts) => {
        try {
          expect(tableFrom(parts.join("")).rows.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(RecordingError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("times without a zone are UTC, numbers are seconds or milliseconds", () => {
    expect(recordedMs("2020-03-09 10:14:33")).toBe(Date.UTC(2020, 2, 9, 10, 14, 33));
    expect(recordedMs("2020-03-09T10:14:33.250+01:00")).toBe(Date.UTC(2020, 2, 9, 9, 14, 33, 250));
    expect(recordedMs("1583748873")).toBe(1_583_748_873_000);
    expect(recordedMs("1583748873250")).toBe(1_583_748_873_250);
    expect(recordedMs("1583748873250000")).toBe(1_583_748_873_250);
    expect(recordedMs("2020/03/09 10:14:33 UTC")).toBe(Date.UTC(2020, 2, 9, 10, 14, 33));
    expect(recordedMs("2020-03-09")).toBe(Date.UTC(2020, 2, 9));
    expect(recordedMs("yesterday")).toBeUndefined();
    expect(recordedMs("2020-13-45 10:00:00")).toBeUndefined();
  });
});

describe("recording", () => {
  const recording = recordingFrom(tableFrom(PUMP));

  test("columns get channel names, the decimals as recorded, and labels are left out", () => {
    expect(recording.columns).toEqual([
      { label: "Accelerometer1RMS", channel: "accelerometer-1-rms", resolution: 1e-7 },
      { label: "Current", channel: "current", resolution: 1e-5 },
      { label: "Volume Flow RateRMS", channel: "volume-flow-rate-rms", resolution: 0.1 },
    ]);
    expect(recording.notes).toEqual(['column "empty" is left out: it is empty']);
  });

  test("values are whole steps that give the recorded decimals back", () => {
    const [first, second] = recording.rows;
    expect(first).toEqual({ number: 1, recordedMs: Date.UTC(2020, 2, 9, 10, 14, 33), steps: [265_878, 133_020, 320] });
    expect(second?.steps).toEqual([261_697, -135_399, undefined]);
    expect(valueOf(265_878, 1e-7)).toBe(0.0265878);
  });

  test("any decimal number survives the way into steps and back", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }),
        fc.integer({ min: 0, max: 9 }),
        (steps, decimals) => {
          const text = (steps / 10 ** decimals).toFixed(decimals);
          const resolution = Number(`1e-${decimals}`);
          expect(valueOf(steps, resolution)).toBe(Number(text));
          expect(
            recordingFrom(tableFrom(`t;a\n1;${text}\n`), { resolutions: new Map([["a", resolution]]) }).rows[0]?.steps,
          ).toEqual([steps]);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("too many decimals for 32 bits are cut, and that is said", () => {
    const { columns, rows, notes } = recordingFrom(tableFrom("t,DNI\n1,-0.3780583522329215\n2,812.5\n"));
    expect(columns[0]?.resolution).toBe(1e-6);
    expect(rows[0]?.steps).toEqual([-378_058]);
    expect(notes[0]).toContain("16 decimals and compared with 6");
  });

  test("a resolution is taken by label or channel, and an unknown one is refused", () => {
    expect(recordingFrom(tableFrom(PUMP), { resolutions: new Map([["Current", 0.01]]) }).columns[1]?.resolution).toBe(
      0.01,
    );
    expect(() => recordingFrom(tableFrom(PUMP), { resolutions: new Map([["Curent", 0.01]]) })).toThrow(
      "no column Curent",
    );
  });

  test("a row without a time is named by its line", () => {
    expect(() => recordingFrom(tableFrom("t;a\n1;2\nnoon;3\n"))).toThrow('line 3: "noon" is no time');
  });
});
