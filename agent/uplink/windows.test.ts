import { describe, expect, it } from "vitest";
import { createStationWindows, createUploadWindows } from "./windows.ts";

const BERLIN = "Europe/Berlin";
/** The minutes of a UTC span in which it is open, as "HH:MM" UTC of the first and last. */
const openMinutes = (windows: ReturnType<typeof createUploadWindows>, from: string, to: string, stepMinutes = 1) => {
  const open: string[] = [];
  for (let at = Date.parse(from); at < Date.parse(to); at += stepMinutes * 60_000) {
    if (windows.isOpen(at)) open.push(new Date(at).toISOString().slice(11, 16));
  }
  return { first: open[0], last: open.at(-1), minutes: open.length * stepMinutes };
};

it("a window is open from its first minute to the one before its last, in the station's time zone", () => {
  const windows = createUploadWindows([{ from: "22:00", to: "22:30" }], BERLIN);
  const summer = openMinutes(windows, "2026-07-01T18:00Z", "2026-07-01T23:00Z");
  expect(summer).toEqual({ first: "20:00", last: "20:29", minutes: 30 });
  const winter = openMinutes(windows, "2026-01-10T18:00Z", "2026-01-10T23:00Z");
  expect(winter).toEqual({ first: "21:00", last: "21:29", minutes: 30 });
});

it("a window over midnight belongs to the day on which it opens", () => {
  const windows = createUploadWindows([{ days: ["sat"], from: "23:30", to: "00:30" }], BERLIN);
  // 2026-07-04 is a Saturday.
  const night = openMinutes(windows, "2026-07-04T12:00Z", "2026-07-05T12:00Z", 10);
  expect(night).toEqual({ first: "21:30", last: "22:20", minutes: 60 });
  expect(openMinutes(windows, "2026-07-05T12:00Z", "2026-07-07T12:00Z", 30).minutes).toBe(0);
});

it("a window that opens in spring's missing hour opens at the next valid minute", () => {
  const windows = createUploadWindows([{ from: "02:30", to: "03:20" }], BERLIN);
  // 02:00 CET becomes 03:00 CEST = 01:00 UTC.
  const night = openMinutes(windows, "2026-03-28T23:00Z", "2026-03-29T06:00Z");
  expect(night).toEqual({ first: "01:00", last: "01:19", minutes: 20 });
});

it("a window in autumn's doubled hour opens once", () => {
  const windows = createUploadWindows([{ from: "02:30", to: "02:45" }], BERLIN);
  const night = openMinutes(windows, "2026-10-24T22:00Z", "2026-10-25T06:00Z");
  expect(night).toEqual({ first: "00:30", last: "00:44", minutes: 15 });
});

it("without windows it is always open; a time that is none is refused", () => {
  expect(createUploadWindows([], BERLIN).isOpen(0)).toBe(true);
  expect(() => createUploadWindows([{ from: "24:00", to: "01:00" }], BERLIN)).toThrow(RangeError);
  expect(() => createUploadWindows([{ from: "1:00", to: "02:00" }], BERLIN)).toThrow("HH:MM");
});

describe("windows of a station", () => {
  it("move with the time zone of the description that runs", () => {
    let zone = "UTC";
    const night = [{ from: "02:00", to: "03:00" }];
    const windows = createStationWindows(
      () => night,
      () => zone,
    );
    const at = Date.UTC(2026, 0, 15, 2, 30);
    expect(windows.isOpen(at)).toBe(true);
    zone = "Europe/Berlin";
    expect(windows.isOpen(at)).toBe(false);
    expect(windows.isOpen(at - 3_600_000)).toBe(true);
  });
});
