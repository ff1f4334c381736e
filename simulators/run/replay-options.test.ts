import { expect, test } from "vitest";
import { openRecording, replayArguments, replayOptionsFrom, UsageError } from "./replay-options.ts";

const files = (text?: string) => ({ read: () => text, write: () => undefined, remove: () => undefined });

test("what is said is passed on to another process without loss", () => {
  const options = replayOptionsFrom({
    replay: "/r.csv",
    speed: "10",
    resolution: "Current=0.01, Volume Flow=1e-7",
    ignore: "label",
    map: "climate.temperature=temp_h,climate.pressure=p",
  });
  expect(options).toBeDefined();
  const said = options && replayArguments(options);
  const again = Object.fromEntries(
    (said ?? []).flatMap((it, at, all) => (at % 2 === 0 ? [[it.slice(2), all[at + 1]]] : [])),
  );
  expect(replayOptionsFrom(again)).toEqual(options);
});

test.each([
  [{ speed: "3" }, "--speed belongs to --replay"],
  [{ replay: "x", speed: "fast" }, "--speed fast"],
  [{ replay: "x", resolution: "Current" }, "--resolution Current"],
  [{ replay: "x", resolution: "Current=0" }, "--resolution Current=0"],
  [{ replay: "x", map: "rain=wet" }, "--map rain=wet"],
])("%j is answered with how it is written", (said, message) => {
  expect(() => replayOptionsFrom(said)).toThrow(UsageError);
  expect(() => replayOptionsFrom(said)).toThrow(message);
});

test("a recording that isn't there, or lacks a mapped column, is a usage error", () => {
  const options = replayOptionsFrom({ replay: "/r.csv", map: "climate.humidity=damp" });
  if (!options) throw new Error("no options");
  expect(() => openRecording(files(), options)).toThrow("no such file");
  expect(() => openRecording(files("t;a\n1;2\n"), options)).toThrow('no column "damp"; it has: a');
});
