/** The judge must be able to say no: each wrong is put into otherwise perfect evidence. */
import { expect, test } from "vitest";
import { keyOf, type Promised } from "./promises.ts";
import { truthOf } from "./proven-station.ts";
import { type Evidence, judge, type StoredRow } from "./verdict.ts";

const [E1, E2] = ["00000000000000e1", "00000000000000e2"];
const sample = (epoch: string, sequence: number, number: number): Promised => ({
  epoch,
  stream: "board-1",
  sequence,
  row: number,
  values: truthOf(number),
});
const alarm: Promised = { epoch: E1, stream: "_alarms", sequence: 1, row: 50 };
/** Five samples of one life, four of the next; between them two answers that died in RAM; the last one still waits. */
const SAMPLES = [
  ...[1, 2, 3, 4, 5].map((sequence) => sample(E1, sequence, sequence)),
  ...[1, 2, 3, 4].map((sequence) => sample(E2, sequence, sequence + 7)),
];
const perfect = (): Evidence => {
  const stored = SAMPLES.slice(0, -1).map(({ epoch, stream, sequence, values = [] }): StoredRow => {
    return { epoch, stream, sequence, values };
  });
  const entry = { stream: "board-1", dropped: [], gaps: [] };
  return {
    promised: new Map([...SAMPLES, alarm].map((it) => [keyOf(it), it])),
    isWaiting: (row) => row === 11,
    stored,
    alarms: 1,
    ledger: [
      { ...entry, epoch: E1, stored: [[1, 5]], closedAt: 5 },
      { ...entry, epoch: E2, stored: [[1, 3]], closedAt: null },
      { ...entry, epoch: E1, stream: "_alarms", stored: [[1, 1]], closedAt: 1 },
    ],
    given: [{ name: "board-1", first: 1, last: 11 }],
    receipts: [{ epoch: E1, stream: "board-1", ranges: [{ first: 1, last: 5 }] }],
    recut: [],
    resolutions: [1, 0.1, 0.01, 1],
  };
};
const problemsOf = (change: Partial<Evidence>): readonly string[] => judge({ ...perfect(), ...change }).problems;

test("what is stored once, or waits, is accounted for", () => {
  const { produced, stored, pending, dropped, lost, neverCommitted, problems } = judge(perfect());
  expect({ produced, stored, pending, dropped, lost }).toEqual({
    produced: 10,
    stored: 9,
    pending: 1,
    dropped: 0,
    lost: 0,
  });
  // The two in RAM, and the one that waits.
  expect(neverCommitted).toBe(3);
  expect(problems).toEqual([]);
});

const { stored: ROWS, ledger: LEDGER, promised: PROMISED } = perfect();
const ledgerWith = (change: object) => [{ ...LEDGER[0]!, ...change }, ...LEDGER.slice(1)];
const rowsWith = (at: number, change: Partial<StoredRow>) =>
  ROWS.map((row, index) => (index === at ? { ...row, ...change } : row));

test.each<[string, Partial<Evidence>, RegExp]>([
  ["a committed sample that is nowhere", { isWaiting: () => false }, /1 samples are lost/],
  ["a sample that the ledger has and the API doesn't give", { stored: ROWS.slice(1) }, /1 samples are lost/],
  ["a sample stored twice", { stored: [...ROWS, ROWS[0]!] }, /1 samples are stored twice/],
  ["an answer stored under two names", { stored: rowsWith(6, { values: truthOf(8) }) }, /answers are stored twice/],
  ["another value", { stored: rowsWith(1, { values: [2, 0, 0, 2] }) }, /stored with other values.*\n?/],
  ["values that no board gave", { given: [{ name: "board-1", first: 1, last: 5 }] }, /no board gave/],
  ["an answer missing within a life", { stored: rowsWith(4, { values: truthOf(6) }) }, /missing in between/],
  ["a gap", { ledger: ledgerWith({ gaps: [[2, 2]] }) }, /gaps in the cloud/],
  ["a wrong closing count", { ledger: ledgerWith({ closedAt: 4 }) }, /wrong count/],
  [
    "a drop although there was room",
    { ledger: ledgerWith({ stored: [[2, 5]], dropped: [[1, 1]] }) },
    /although there was room/,
  ],
  ["a receipt for what isn't stored", { ledger: ledgerWith({ stored: [[1, 4]] }) }, /count as stored on the station/],
  ["a message cut anew", { recut: ["x"] }, /sent again in another message/],
  ["an alarm listed twice", { alarms: 2 }, /counts of alarms/],
  [
    "a gap in what was committed",
    { promised: new Map([...PROMISED].filter(([, { row }]) => row !== 3)) },
    /committed with gaps/,
  ],
])("%s is a problem", (_, change, expected) => {
  expect(problemsOf(change).join("\n")).toMatch(expected);
});
