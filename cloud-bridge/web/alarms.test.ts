import fc from "fast-check";
import { expect, test } from "vitest";
import type { AlarmEntry } from "../api/contract.ts";
import { alarmsFrom, withAlarms } from "./alarms.ts";

const entry = (
  alarm: string,
  time: number,
  active: boolean,
  severity: AlarmEntry["severity"] = "warning",
): AlarmEntry => ({
  station: "demo-lake",
  device: "pump",
  alarm,
  severity,
  active,
  time,
  because: "",
});

test("an alarm is active when its newest transition says so", () => {
  const { active, past } = alarmsFrom(
    withAlarms([], [entry("hot", 1, true), entry("hot", 5, false), entry("dry", 3, true)]),
  );
  expect(active.map(({ alarm }) => alarm)).toEqual(["dry"]);
  expect(past).toEqual([{ entry: entry("hot", 5, false), began: 1 }]);
});

test("active alarms stand gravest first, then longest first", () => {
  const entries = withAlarms(
    [],
    [
      entry("a", 1, true, "info"),
      entry("b", 9, true, "critical"),
      entry("c", 2, true, "critical"),
      entry("d", 1, true, "warning"),
    ],
  );
  expect(alarmsFrom(entries).active.map(({ alarm }) => alarm)).toEqual(["c", "b", "d", "a"]);
});

test("an end whose beginning is no longer known has no duration", () => {
  expect(alarmsFrom([entry("hot", 5, false)]).past).toEqual([{ entry: entry("hot", 5, false) }]);
});

test("what is active doesn't depend on the order or number of deliveries", () => {
  const transition = fc.record({ alarm: fc.constantFrom("hot", "dry"), time: fc.nat(20) });
  fc.assert(
    fc.property(fc.uniqueArray(transition, { selector: ({ alarm, time }) => `${alarm}${time}` }), (transitions) => {
      const entries = transitions.map(({ alarm, time }) => entry(alarm, time, time % 2 === 0));
      let oneByOne: readonly AlarmEntry[] = [];
      for (const next of [...entries, ...entries].reverse()) oneByOne = withAlarms(oneByOne, [next]);
      expect(alarmsFrom(oneByOne)).toEqual(alarmsFrom(withAlarms([], entries)));
    }),
  );
});
