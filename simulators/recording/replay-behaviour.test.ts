import { expect, test } from "vitest";
import { tableFrom } from "./csv.ts";
import { recordingFrom } from "./recording.ts";
import { createReplayBehaviour, NO_MORE_ROWS } from "./replay-behaviour.ts";

const recording = recordingFrom(tableFrom("time;level\n100;1.5\n101;\n103;2.5\n"));
const holding = (row: number) => new Map([["row", row]]);
const rowOf = (answer: ReadonlyMap<string, unknown> | number) =>
  typeof answer === "number" ? answer : [answer.get("row"), answer.get("level")];

test("the next row is offered only to a reader that holds the one before", () => {
  const board = createReplayBehaviour({ recording, clock: { bootMs: () => 0 } });
  expect(rowOf(board.read("row", holding(0)))).toEqual([1, 1.5]);
  expect(rowOf(board.read("row", holding(0)))).toEqual([1, 1.5]);
  expect(rowOf(board.read("row", holding(1)))).toEqual([2, "no-sensor"]);
  expect(rowOf(board.read("row", holding(0)))).toEqual([2, "no-sensor"]);
  expect(rowOf(board.read("row", holding(2)))).toEqual([3, 2.5]);
  expect(board.isFinished).toBe(false);
  expect(board.read("row", holding(3))).toBe(NO_MORE_ROWS);
  expect(board.isFinished).toBe(true);
  expect(board.offered).toBe(3);
});

test("at a speed, a row is ready when it was recorded", () => {
  const time = { nowMs: 5_000 };
  const board = createReplayBehaviour({ recording, clock: { bootMs: () => time.nowMs }, speed: 10 });
  expect(board.readyInMs?.("row", holding(0))).toBe(0);
  board.read("row", holding(0));
  expect(board.readyInMs?.("row", holding(1))).toBe(100);
  time.nowMs += 40;
  expect(board.readyInMs?.("row", holding(1))).toBe(60);
  expect(board.readyInMs?.("row", holding(0))).toBe(0);
});

test("sensors that play along get the column of the row on offer", () => {
  const board = createReplayBehaviour({ recording, clock: { bootMs: () => 0 } });
  expect(board.column("level")).toBe(1.5);
  for (const row of [0, 1, 2]) board.read("row", holding(row));
  expect(board.column("level")).toBe(2.5);
  expect(board.column("depth")).toBeUndefined();
});

test("a board that was switched off goes on with the row after the one that its reader holds", () => {
  const board = createReplayBehaviour({ recording, clock: { bootMs: () => 0 }, speed: 1 });
  expect(board.readyInMs?.("row", holding(2))).toBe(0);
  expect(rowOf(board.read("row", holding(2)))).toEqual([3, 2.5]);
});
