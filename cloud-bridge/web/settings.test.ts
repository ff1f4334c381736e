import { type Json, mergePatch } from "@pump-station/agent/wire/twin-document.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { StreamChannel, Twin, TwinSetting } from "../api/contract.ts";
import { isRemoved } from "./removed.ts";
import { answerOf, patchFrom, settingRows, valueFrom } from "./settings.ts";

const setting = (more: Partial<TwinSetting>): TwinSetting => ({
  path: "devices/pump/target",
  desired: 900,
  desiredVersion: 5,
  reported: 900,
  ac: 200,
  av: 5,
  ad: "",
  converged: true,
  ...more,
});
const target: StreamChannel = { name: "target", kind: "gauge", unit: "Cel", resolution: 0.1 };
const twinOf = (more: Partial<Twin>): Twin => ({
  station: "demo-lake",
  desired: {},
  reported: {},
  settings: [],
  convergence: { converged: true, since: null, why: [], digest: "", reportedDigest: null },
  ...more,
});

test("each acknowledgement has its words", () => {
  expect(answerOf(setting({}))).toEqual({ kind: "applied", words: "applied" });
  expect(answerOf(setting({ ac: 202, ad: "state is pumping", converged: false }))).toEqual({
    kind: "waits",
    words: "waits: state is pumping",
  });
  expect(answerOf(setting({ ac: 400, ad: "above 1000 mbar", converged: false }))).toEqual({
    kind: "refused",
    words: "refused: above 1000 mbar",
  });
  expect(answerOf(setting({ ac: 500, converged: false }))).toEqual({ kind: "failed", words: "failed" });
});

test("an answer to an older request is no answer", () => {
  expect(answerOf(setting({ av: 4, converged: false })).kind).toBe("sent");
  expect(answerOf(setting({ ac: null, av: null, converged: false })).kind).toBe("sent");
});

test("applied is only said of what runs", () => {
  expect(answerOf(setting({ reported: 850, converged: false })).kind).toBe("waits");
});

test("rows hold what was set, what is reported, and what every station has", () => {
  const reported = { devices: { pump: { health: "good", target: { value: 850, ac: 200, av: 0, ad: "" } } } };
  const rows = settingRows(twinOf({ reported }), [{ device: "pump", channels: [target] }]);
  expect(rows.map(({ path, unit, reported: value }) => [path, unit, value])).toEqual([
    ["devices/pump/target", "°C", 850],
    ["devices/pump/every", "s", null],
    ["live", "s", null],
    ["upload/interval", "s", null],
  ]);
  expect(rows.map((row) => row.answer.kind)).toEqual(["file", "file", "file", "file"]);
});

test("the bridge's side-by-side wins over what the page finds itself", () => {
  const reported = { devices: { pump: { target: { value: 1, ac: 200, av: 0, ad: "" } } } };
  const [row] = settingRows(twinOf({ reported, settings: [setting({ reported: 2 })] }), []);
  expect(row).toMatchObject({ path: "devices/pump/target", desired: 900, reported: 2 });
});

test("a device that left the description has no rows but what was set, which can only be taken back", () => {
  const reported = {
    devices: {
      climate: { health: "good", every: { value: 60, ac: 203, av: 0, ad: "" } },
      // Nobody is there to answer but the station itself.
      pump: { value: null, ac: 400, av: 5, ad: "no such device; there are climate" },
    },
  };
  const devices = [
    { device: "climate", channels: [] },
    { device: "pump", channels: [target] },
  ];
  const rowsOf = (twin: Partial<Twin>) =>
    settingRows(twinOf(twin), devices).map(({ path, isRemoved: isGone }) => [path, isGone]);
  expect(rowsOf({ reported })).not.toContainEqual(["devices/pump/every", expect.anything()]);
  expect(rowsOf({ reported, settings: [setting({ ac: null })] })).toContainEqual(["devices/pump/target", true]);
  expect(rowsOf({ reported })).toContainEqual(["devices/climate/every", false]);
});

test("a device is removed when the station reports others and not this one, a paused one isn't", () => {
  const reported = { devices: { climate: { health: "paused" }, pump: { value: null, ac: 400 } } };
  expect(isRemoved(twinOf({ reported }), "pump")).toBe(true);
  expect(isRemoved(twinOf({ reported }), "climate")).toBe(false);
  expect(isRemoved(twinOf({ reported: {} }), "pump")).toBe(false);
  expect(isRemoved(undefined, "pump")).toBe(false);
});

test("a setting whose channel has states offers their names", () => {
  const relay: StreamChannel = {
    name: "relay",
    kind: "state",
    unit: "",
    resolution: 1,
    states: { 0: "off", 1: "on" },
  };
  const reported = { devices: { lamp: { health: "good", relay: { value: "off", ac: 203, av: 0, ad: "" } } } };
  const [row] = settingRows(twinOf({ reported }), [{ device: "lamp", channels: [relay] }]);
  expect(row).toMatchObject({ path: "devices/lamp/relay", choices: ["off", "on"], reported: "off" });
});

test("a device that is refused as a whole has no row beside those of its values", () => {
  const reported = { devices: { pumpp: { value: null, ac: 400, av: 5, ad: "no such device" } } };
  const rows = settingRows(twinOf({ reported, settings: [setting({ path: "devices/pumpp/every", ac: 400 })] }), []);
  expect(rows.map(({ path }) => path)).toEqual(["devices/pumpp/every", "live", "upload/interval"]);
});

test("live is one row with the time at which it ends", () => {
  const asked = { path: "live", desired: 5, desiredVersion: 5, reported: 5 };
  const rowOf = (more: Partial<TwinSetting>, live: Json) =>
    settingRows(twinOf({ settings: [setting({ ...asked, ...more })], desired: { live } }), []).filter(({ path }) =>
      path.startsWith("live"),
    );
  expect(rowOf({}, { every: 5, until: 1_793_000_000_000 })).toMatchObject([
    { path: "live", name: "live", unit: "s", desired: 5, reported: 5, until: 1_793_000_000_000 },
  ]);
  expect(rowOf({}, { every: 5, until: "2026-05-02T08:10:00Z" })[0]?.until).toBe(Date.UTC(2026, 4, 2, 8, 10));
  const [over] = rowOf({ desired: null, reported: null }, { every: 5, until: 1 });
  expect(over).toMatchObject({ answer: { kind: "file", words: "nobody watches" } });
  expect(over).not.toHaveProperty("until");
  expect(patchFrom("live", { every: 5, until: 9 })).toEqual({ live: { every: 5, until: 9 } });
});

test("a patch sets exactly one value, and null gives it back", () => {
  expect(patchFrom("devices/pump/target", 900)).toEqual({ devices: { pump: { target: 900 } } });
  const desired = { devices: { pump: { target: 900, every: 5 } } };
  expect(mergePatch(desired, patchFrom("devices/pump/target", null))).toEqual({ devices: { pump: { every: 5 } } });
});

test("what was typed becomes the kind of value that stands there", () => {
  expect(valueFrom(" 900,5 ", 850)).toEqual({ ok: 900.5 });
  expect(valueFrom("-3", null)).toEqual({ ok: -3 });
  expect(valueFrom("auto", "manual")).toEqual({ ok: "auto" });
  expect(valueFrom("900", "manual")).toEqual({ ok: "900" });
  expect(valueFrom("true", false)).toEqual({ ok: true });
  expect(valueFrom("yes", false)).toHaveProperty("problem");
  expect(valueFrom("", 850)).toHaveProperty("problem");
  for (const text of ["1e9", "0x10", "1.000,5", "9 0", "Infinity", "abc"]) {
    expect(valueFrom(text, 850), text).toHaveProperty("problem");
  }
});

test("a number typed for a number is finite, whatever else is typed is a problem", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = valueFrom(text, 850);
      if ("ok" in parsed && typeof parsed.ok !== "boolean") expect(Number.isFinite(parsed.ok)).toBe(true);
    }),
  );
});
