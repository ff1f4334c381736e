import { expect, test } from "vitest";
import { compareRecording } from "./comparison.ts";
import { tableFrom } from "./csv.ts";
import { recordingFrom } from "./recording.ts";

const recording = recordingFrom(tableFrom("time;level;flow\n100;1.5;0.25\n101;;0.5\n102;2.5;0.75\n"));
const channels = ["row", "recorded", "level", "flow"].map((name) => ({
  name,
  kind: "gauge" as const,
  unit: "",
  resolution: 1,
}));
type Row = [number, number, number, ...(number | string)[]];
const ROWS: readonly Row[] = [
  [0, 0, 1, 1, 100_000, 1.5, 0.25],
  [0, 0, 2, 2, 101_000, "no-sensor", 0.5],
  [0, 0, 3, 3, 102_000, 2.5, 0.75],
];
const compare = (rows: readonly Row[]) => compareRecording(recording, { channels, rows });

test("what is stored as recorded has no difference, and samples without a row don't count", () => {
  const refused: Row = [0, 0, 4, "refused", "refused", "refused", "refused"];
  expect(compare([...ROWS, refused])).toEqual({ rows: 3, values: 6, differences: [], differencesInAll: 0 });
});

test.each<[string, Row[], string]>([
  ["a lost row", [ROWS[0]!, ROWS[2]!], "row 2 is stored 0 times"],
  ["a row stored twice", [...ROWS, ROWS[2]!], "row 3 is stored 2 times"],
  ["another order", [ROWS[1]!, ROWS[0]!, ROWS[2]!], "row 1 is stored after row 2"],
  ["another value", [[0, 0, 1, 1, 100_000, 1.6, 0.25], ROWS[1]!, ROWS[2]!], "row 1: level is 1.6, recorded was 1.5"],
  [
    "a value where none was",
    [ROWS[0]!, [0, 0, 2, 2, 101_000, 0, 0.5], ROWS[2]!],
    "row 2: level is 0, recorded was empty",
  ],
  [
    "another time",
    [[0, 0, 1, 1, 100_001, 1.5, 0.25], ROWS[1]!, ROWS[2]!],
    "row 1: recorded is 100001, recorded was 100000",
  ],
  ["a row too many", [...ROWS, [0, 0, 4, 4, 1, 1, 1]], "row 4 is stored, the recording has 3"],
])("%s is found", (_, rows, difference) => {
  expect(compare(rows).differences).toEqual([difference]);
});
