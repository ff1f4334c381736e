import { expect, it } from "vitest";
import type { OnSiteStatus } from "./on-site.ts";
import { createOnSiteKeys, type KeysKept } from "./on-site-key.ts";

const condition = { text: "state is on", needs: [], test: () => undefined };
const KEY = { name: "key", onSite: { when: condition, atMostMs: 8 * 3_600_000 } } as unknown as Parameters<
  ReturnType<typeof createOnSiteKeys>
>[0];

function bench(disk: { kept?: KeysKept } = {}) {
  const told: string[] = [];
  const mode = { now: undefined as OnSiteStatus | undefined };
  const keys = createOnSiteKeys({
    log: () => undefined,
    onSite: {
      now: () => mode.now,
      begin: (leftMs, by, isOurs) => {
        told.push(`begin ${leftMs} ${by} ${isOurs}`);
        mode.now = { leftMs, by, isOurs };
        return true;
      },
      end: (because) => {
        told.push(`end: ${because}`);
        mode.now = undefined;
      },
    },
    document: { load: () => disk.kept, save: (kept) => void Object.assign(disk, { kept }) },
  });
  return { told, mode, disk, turn: (holds: boolean | undefined) => keys(KEY, holds) };
}

it("a key that is turned begins on-site mode as somebody here does, and ends it when it is turned back", () => {
  const { told, turn } = bench();
  for (const holds of [undefined, false, true, true, undefined, true, false, false]) turn(holds);
  expect(told).toEqual(["begin 28800000 the switch key true", "end: the switch key was turned back"]);
});

it("a key that was forgotten begins nothing anew, after its time nor after a restart", () => {
  const first = bench();
  first.turn(true);
  first.mode.now = undefined;
  first.turn(true);
  const second = bench(first.disk);
  second.turn(true);
  expect([first.told.length, second.told]).toEqual([1, []]);
  second.turn(false);
  second.turn(true);
  expect(second.told).toEqual(["begin 28800000 the switch key true"]);
});

it("what somebody has begun or lengthened by hand stays when the key is turned back", () => {
  const { told, mode, turn } = bench();
  turn(true);
  mode.now = { leftMs: 1, by: "here", isOurs: true };
  turn(false);
  expect(told).toHaveLength(1);
});

it("a device without on-site: is no key", () => {
  const { told } = bench();
  createOnSiteKeys({
    log: () => undefined,
    onSite: { now: () => undefined, begin: () => told.push("begin") > 0, end: () => undefined },
    document: { load: () => undefined, save: () => undefined },
  })({ name: "other" }, true);
  expect(told).toEqual([]);
});
