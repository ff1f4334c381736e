import { expect, it } from "vitest";
import type { CloudConnection } from "../cloud/cloud.ts";
import type { DesiredDocument } from "../wire/twin-document.ts";
import { meteredCloud } from "./metering.ts";

const KNOWN: DesiredDocument = { $version: 3, upload: { interval: 60 } };
const signal = new AbortController().signal;

it("a metered connection hands on what its dialect says of patches, known documents and room", async () => {
  const asked: (DesiredDocument | undefined)[] = [];
  const listeners: Parameters<CloudConnection["onDesired"]>[0][] = [];
  const metered = await meteredCloud(
    {
      connect: async () => ({
        ...nothing(),
        getTwin: async (known) => {
          asked.push(known);
          return { desired: { $version: 3 }, reported: { $version: 3 } };
        },
        onDesired: (listener) => void listeners.push(listener),
        reportBytesMax: () => 4_000,
      }),
    },
    () => undefined,
  ).connect(signal);
  const heard: unknown[] = [];

  await metered.getTwin(KNOWN);
  metered.onDesired((...patch) => void heard.push(patch));
  for (const listener of listeners) {
    listener({ $version: 9 }, "unknown");
    listener({ $version: 10, live: null }, 7);
  }

  expect(asked).toEqual([KNOWN]);
  expect(heard).toEqual([
    [{ $version: 9 }, "unknown"],
    [{ $version: 10, live: null }, 7],
  ]);
  expect(metered.reportBytesMax?.()).toBe(4_000);
});

it("a metered connection has every member that its dialect's has, and no other", async () => {
  for (const dialect of [nothing(), { ...nothing(), reportBytesMax: () => 1, use: () => USE }]) {
    const metered = await meteredCloud({ connect: async () => dialect }, () => undefined).connect(signal);
    expect(Object.keys(metered).sort()).toEqual(Object.keys(dialect).sort());
  }
});

const USE = { bytes: 0, pings: 0, isResumed: false, quietMs: 0 };

const nothing = (): CloudConnection => ({
  publish: async () => undefined,
  getTwin: async () => ({ desired: { $version: 0 }, reported: { $version: 0 } }),
  report: async () => ({ version: 0 }),
  onDesired: () => undefined,
  onCommand: () => undefined,
  onLedger: () => undefined,
  onClosed: () => undefined,
  close: async () => undefined,
});
