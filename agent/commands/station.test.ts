import { expect, it } from "vitest";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createStationRuns, type StationRunDeps } from "./station.ts";

const CALL = { id: "c1", command: "diagnostics" };

/** A station of which nothing but its file of diagnostics is asked for. */
function bench(now: Partial<StationRunDeps> = {}) {
  const sent: string[] = [];
  const file = { id: "a", name: "diagnostics.tar.gz", bytes: 10, parts: 1, sha256: "a" };
  const runs = createStationRuns({
    ...createSimulatedTime(),
    log: () => undefined,
    onSite: { now: () => undefined, begin: () => true, end: () => undefined, obstacle: () => undefined },
    asked: () => [],
    poll: () => Promise.resolve(),
    values: () => [],
    upload: () => Promise.resolve({ messages: 0, bytes: 0 }),
    explain: () => ({}),
    settings: () => [],
    isShort: () => undefined,
    diagnostics: (bytesMax) => Promise.resolve(new Uint8Array(Math.min(10, bytesMax))),
    fileBytesMax: () => 100,
    send: (name) => {
      sent.push(name);
      return file;
    },
    busy: () => undefined,
    restart: () => undefined,
    ...now,
  });
  return { sent, diagnostics: (given: { force?: boolean }) => runs.diagnostics.run(given, CALL) };
}

it("diagnostics wait for a better month, unless somebody insists", async () => {
  const { sent, diagnostics } = bench({ isShort: () => "the month's budget is short" });
  expect(await diagnostics({})).toMatchObject({ status: 409, text: expect.stringContaining("force") as string });
  expect(sent).toEqual([]);
  expect(await diagnostics({ force: true })).toMatchObject({ status: 200, body: { parts: 1 } });
  expect(sent).toEqual(["diagnostics.tar.gz"]);
});

it("diagnostics are packed for what the connection takes, and not at all where it takes nothing", async () => {
  const packed: number[] = [];
  const diagnostics = (bytesMax: number) => {
    packed.push(bytesMax);
    return Promise.resolve(new Uint8Array(3));
  };
  expect(await bench({ diagnostics, fileBytesMax: () => 77 }).diagnostics({})).toMatchObject({ status: 200 });
  expect(await bench({ diagnostics, fileBytesMax: () => 0 }).diagnostics({})).toMatchObject({ status: 413 });
  expect(packed).toEqual([77]);
});

it("diagnostics say that another file is under way", async () => {
  expect(await bench({ send: () => undefined }).diagnostics({})).toMatchObject({ status: 409 });
});
