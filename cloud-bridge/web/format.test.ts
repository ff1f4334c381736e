import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ageText,
  bytesPerReadingText,
  bytesText,
  clockText,
  countOf,
  decimalsOf,
  durationText,
  numberText,
  onSiteText,
  reasonText,
  tickTexts,
  uncertainText,
  unitText,
} from "./format.ts";

const EN = { locale: "en", timeZone: "UTC" };

test("somebody is on site until a time, which passes also when the station can't say so", () => {
  const until = Date.UTC(2026, 4, 2, 15, 30);
  expect(onSiteText({ until, by: "here" }, until - 1_000, EN)).toBe("somebody is on site until 15:30:00");
  expect(onSiteText({ until, by: "here" }, until, EN)).toBeUndefined();
  expect(onSiteText({ by: "here" }, until, EN)).toBe("somebody is on site");
  expect(onSiteText(undefined, until, EN)).toBeUndefined();
});

test("times that the station couldn't know are called estimates, with how far they may be off", () => {
  expect(uncertainText(null)).toBe("times are estimates: the station's clock isn't set yet");
  expect(uncertainText(2 * 3_600_000)).toContain("up to 2 h too late");
});

test("a value has the digits that its resolution is worth", () => {
  expect([1, 10, 0.1, 0.25, 0.01, 0.2794, 0, Number.NaN].map(decimalsOf)).toEqual([0, 0, 1, 2, 2, 4, 0, 0]);
  expect(numberText(812.5, 0.1, EN)).toBe("812.5");
  expect(numberText(20417, 1, EN)).toBe("20,417");
  expect(numberText(0.1 + 0.2, 0.01, EN)).toBe("0.30");
});

test("a decimal resolution always gets just its own digits", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 9 }), (digits, factor) => {
      expect(decimalsOf(factor / 10 ** digits)).toBe(digits);
    }),
  );
});

test("UCUM units are written as people write them, others as they are", () => {
  expect(["Cel", "mbar", "%", "m3/h", ""].map(unitText)).toEqual(["°C", "mbar", "%", "m³/h", ""]);
});

test("ages and durations are in their largest unit", () => {
  expect([0, 1400, -5000].map(ageText)).toEqual(["now", "now", "now"]);
  expect(ageText(12_000)).toBe("12 s ago");
  expect([89_000, 90_000, 89.4 * 60_000, 36 * 3_600_000].map(durationText)).toEqual(["89 s", "2 min", "89 min", "2 d"]);
});

test("a time of another day says the day", () => {
  const now = Date.UTC(2026, 4, 3, 23, 59);
  expect(clockText(Date.UTC(2026, 4, 3, 14, 3, 12), now, EN)).toBe("14:03:12");
  expect(clockText(Date.UTC(2026, 4, 2, 14, 3, 12), now, EN)).toMatch(/May 2.*14:03:12/);
  // The same instant is another day further east.
  expect(clockText(Date.UTC(2026, 4, 3, 14), now, { locale: "en", timeZone: "Asia/Tokyo" })).toMatch(/May 3/);
});

test("axis labels show seconds or days only where ticks need them", () => {
  const tick = [Date.UTC(2026, 4, 3, 14, 3)];
  expect(tickTexts(tick, 10_000, EN)).toEqual(["14:03:00"]);
  expect(tickTexts(tick, 300_000, EN)).toEqual(["14:03"]);
  expect(tickTexts(tick, 86_400_000, EN)).toEqual(["May 3"]);
});

test("reasons are words, a refusal keeps the device's code, an unknown reason is shown as it is", () => {
  expect(reasonText("timeout")).toBe("no answer");
  expect(reasonText("no-sensor")).toBe("sensor unplugged");
  expect(["refused", "refused(3)", "refused:3", "refused 3"].map(reasonText)).toEqual([
    "device refused",
    "device refused (code 3)",
    "device refused (code 3)",
    "device refused (code 3)",
  ]);
  expect(reasonText("eaten-by-fish")).toBe("eaten-by-fish");
  expect(reasonText("constructor")).toBe("constructor");
});

test("sizes and counts", () => {
  expect([999, 1000, 7_130_000, 2.5e9].map((bytes) => bytesText(bytes, EN))).toEqual([
    "999 B",
    "1.0 kB",
    "7.1 MB",
    "2.5 GB",
  ]);
  expect(bytesPerReadingText(1310, 1000, EN)).toBe("1.31");
  expect(bytesPerReadingText(0, 0, EN)).toBe("–");
  expect([countOf(1, "sample", EN), countOf(2000, "sample", EN)]).toEqual(["1 sample", "2,000 samples"]);
});
