import { expect, test } from "vitest";
import type { LedgerEntry } from "../api/contract.ts";
import { completenessOf, completenessText, holeText } from "./completeness.ts";

const EN = { locale: "en" };
const entry = (more: Partial<LedgerEntry>): LedgerEntry => ({
  epoch: "0000000000000001",
  stream: "pump",
  stored: [],
  dropped: [],
  gaps: [],
  closedAt: null,
  ...more,
});

test("ranges are counted with both ends, over all streams", () => {
  const completeness = completenessOf([
    entry({
      stored: [
        [1, 1000],
        [1003, 1003],
      ],
      dropped: [[1001, 1002]],
    }),
    entry({ stream: "_alarms", stored: [[1, 2]], gaps: [[3, 3]] }),
  ]);
  expect(completeness).toMatchObject({ stored: 1003, dropped: 2, missing: 1 });
  expect(completeness.holes.map(holeText)).toEqual(["alarms, number 3"]);
});

test("the line says that all is accounted for only when nothing is missing", () => {
  expect(completenessText(completenessOf([]), EN)).toBe("Nothing has arrived yet.");
  expect(completenessText(completenessOf([entry({ stored: [[1, 2000]] })]), EN)).toBe(
    "Every sample is accounted for: 2,000 stored, 0 reported dropped, 0 missing.",
  );
  expect(completenessText(completenessOf([entry({ gaps: [[4, 9]] })]), EN)).toMatch(/^6 samples not yet here/);
});
