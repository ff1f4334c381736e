import { expect, test } from "vitest";
import type { Promised } from "../kill/promises.ts";
import { truthOf } from "../kill/proven-station.ts";
import { addPrinted, compare, emptyBook } from "./promises-kept.ts";

const EPOCH = "00000000000000e1";
const found = (last: number): Map<string, Promised> => {
  const rows = Array.from({ length: last }, (_, at): Promised => {
    return { epoch: EPOCH, stream: "board-1", sequence: at + 1, row: at + 1, values: truthOf(at + 1) };
  });
  return new Map(rows.map((row) => [`${EPOCH} board-1 ${row.sequence}`, row]));
};
const bookOf = (...lines: readonly object[]) => {
  const book = emptyBook();
  addPrinted(book, `{"level":"warn","event":"x"}\n${lines.map((line) => JSON.stringify(line)).join("\n")}\n{"comm`);
  return book;
};
const committed = (last: number) => ({ committed: { epoch: EPOCH, stream: "board-1", last } });

test("what was committed last counts; more on the disk than that is fine", () => {
  const kept = compare(bookOf(committed(20), committed(40)), found(60), undefined);
  expect(kept).toEqual({ acknowledged: 40, lost: 0, wrong: 0, problems: [] });
});

test("a committed sample that is gone is lost, and named", () => {
  const rows = found(40);
  rows.delete(`${EPOCH} board-1 7`);
  const { lost, problems } = compare(bookOf(committed(40)), rows, undefined);
  expect(lost).toBe(1);
  expect(problems).toEqual([`${EPOCH} board-1: acknowledged to 40, lost are 7…7`]);
});

test("a value that was never appended is wrong, also in a row that nobody had been promised", () => {
  const rows = found(40);
  rows.set("x", { epoch: EPOCH, stream: "board-1", sequence: 41, row: 41, values: [41, 0, 0, 0] });
  expect(compare(bookOf(committed(40)), rows, undefined).wrong).toBe(1);
});

test("a message that was offered comes again just so, unless it was accepted or the cut fell between", () => {
  const offered = { offered: "aa" };
  expect(compare(bookOf(offered), new Map(), "aa").problems).toEqual([]);
  expect(compare(bookOf(offered), new Map(), "bb").problems).toHaveLength(1);
  expect(compare(bookOf(offered), new Map(), undefined).problems).toHaveLength(1);
  expect(compare(bookOf(offered, { accepting: "aa" }), new Map(), "bb").problems).toEqual([]);
  expect(compare(bookOf(offered, { accepting: "aa" }, { accepted: "aa" }), new Map(), "bb").problems).toEqual([]);
  expect(compare(bookOf(offered, { accepting: "aa" }, { offered: "bb" }), new Map(), "cc").problems).toHaveLength(1);
});

test("alarms are promised as samples are", () => {
  expect(compare(bookOf({ alarms: { epoch: EPOCH, last: 2 } }), new Map(), undefined).lost).toBe(2);
});
