import { expect, test } from "vitest";
import { followStation, type LiveEvent } from "./live.ts";

/** Streams that the test opens, breaks and feeds; timers that it fires. */
function network() {
  const streams: { url: string; isClosed: boolean; fire: (name: string, data?: unknown) => void }[] = [];
  const waits: { ms: number; run: () => void; isCancelled: boolean }[] = [];
  return {
    streams,
    waits,
    open: (url: string) => {
      const listeners = new Map<string, (event: { data?: unknown }) => void>();
      const stream = { url, isClosed: false, fire: (name: string, data?: unknown) => listeners.get(name)?.({ data }) };
      streams.push(stream);
      return {
        addEventListener: (name: string, listener: (event: { data?: unknown }) => void) =>
          void listeners.set(name, listener),
        close: () => {
          stream.isClosed = true;
        },
      };
    },
    after: (ms: number, run: () => void) => {
      const wait = { ms, run, isCancelled: false };
      waits.push(wait);
      return () => {
        wait.isCancelled = true;
      };
    },
  };
}

function followed() {
  const net = network();
  const heard: (string | LiveEvent)[] = [];
  const stop = followStation(net, "demo-lake", {
    onEvent: (event) => heard.push(event),
    onOpen: () => heard.push("open"),
    onLost: () => heard.push("lost"),
  });
  return { net, heard, stop };
}

test("events arrive under their kind", () => {
  const { net, heard } = followed();
  net.streams[0]?.fire("open");
  net.streams[0]?.fire("alarm", JSON.stringify({ alarm: "too-hot" }));
  expect(net.streams[0]?.url).toBe("api/events?station=demo-lake");
  expect(heard).toEqual(["open", { kind: "alarm", alarm: { alarm: "too-hot" } }]);
});

test("a lost stream is closed and tried again, ever more rarely, at most every 15 s", () => {
  const { net, heard } = followed();
  for (let time = 0; time < 6; time++) {
    net.streams.at(-1)?.fire("error");
    net.waits.at(-1)?.run();
  }
  expect(net.waits.map(({ ms }) => ms)).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect(net.streams.slice(0, -1).every(({ isClosed }) => isClosed)).toBe(true);
  expect(heard).toEqual(Array(6).fill("lost"));
});

test("after a success it starts over with a short wait", () => {
  const { net } = followed();
  net.streams.at(-1)?.fire("error");
  net.waits.at(-1)?.run();
  net.streams.at(-1)?.fire("open");
  net.streams.at(-1)?.fire("error");
  expect(net.waits.at(-1)?.ms).toBe(1000);
});

test("stopping closes the stream, or the wait for the next one", () => {
  const open = followed();
  open.stop();
  expect(open.net.streams[0]?.isClosed).toBe(true);
  const waiting = followed();
  waiting.net.streams[0]?.fire("error");
  waiting.stop();
  expect(waiting.net.waits[0]?.isCancelled).toBe(true);
});
