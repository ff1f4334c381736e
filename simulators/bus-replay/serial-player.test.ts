import { type BusEvent, hexFrom, parseBusRecording } from "@pump-station/agent/tap/recording.ts";
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { describe, expect, it } from "vitest";
import { createSerialPlayer } from "./serial-player.ts";

const HEAD =
  '{"format":"pump-station-bus","version":1,"station":"d","port":{"name":"b","kind":"serial","path":"/dev/x"},"started":"2026-05-02T08:00:00.000Z","by":"agent"}';

function play(events: readonly BusEvent[], repeat = false) {
  const time = createSimulatedTime();
  const text = [HEAD, ...events.map((event) => JSON.stringify(event)), ""].join("\n");
  const sent: [number, string][] = [];
  const startedMs = time.clock.bootMs();
  const send = (bytes: Uint8Array) => void sent.push([time.clock.bootMs() - startedMs, hexFrom(bytes)]);
  const player = createSerialPlayer({ timers: time.timers, send, repeat }, parseBusRecording(text));
  player.start();
  return { time, player, sent, ask: (...bytes: number[]) => player.receive(Uint8Array.from(bytes)) };
}

const RECORDED: BusEvent[] = [
  { ms: 0, opened: { speed: 9600, mode: "8N1" } },
  { ms: 100, sent: "01 02" },
  { ms: 120, heard: "81" },
  { ms: 121.5, heard: "10" },
  { ms: 1_100, sent: "01 02" },
  { ms: 1_130, heard: "81 11" },
  { ms: 2_100, sent: "01 02 03" },
  { ms: 3_100, sent: "01 02" },
];

describe("a serial line played from a recording", () => {
  it("answers a request as it was answered, portion by portion, turn by turn, and begins again", async () => {
    const { time, sent, ask, player } = play(RECORDED);
    for (let turn = 0; turn < 4; turn++) {
      ask(1);
      ask(2);
      await time.advance(1_000);
    }
    // "01 02" is also how another request begins: it is known when nothing follows.
    expect(sent).toEqual([
      [70, "81"],
      [71.5, "10"],
      [1_080, "81 11"],
      [3_070, "81"],
      [3_071.5, "10"],
    ]);
    expect(player.counted).toEqual({ answered: 3, silent: 1, unknown: 0 });
  });

  it("knows a request at once that none begins with, and leaves alone what was never asked", async () => {
    const { time, sent, ask, player } = play(RECORDED.slice(0, 4));
    ask(1, 2);
    await time.advance(20);
    expect(sent).toEqual([[20, "81"]]);
    ask(9, 9);
    await time.advance(1_000);
    ask(1, 2);
    await time.advance(1_000);
    expect(player.counted).toEqual({ answered: 2, silent: 0, unknown: 1 });
  });

  it("sends what devices sent by themselves at its time, again if wished, until it is stopped", async () => {
    const reports: BusEvent[] = [
      { ms: 500, heard: "A5 07" },
      { ms: 1_000, heard: "A5 08" },
    ];
    const once = play(reports);
    await once.time.advance(5_000);
    expect(once.sent).toEqual([
      [500, "A5 07"],
      [1_000, "A5 08"],
    ]);
    const again = play(reports, true);
    await again.time.advance(2_000);
    expect(again.sent.length).toBe(4);
    again.player.stop();
    await again.time.advance(5_000);
    expect([again.sent.length, again.time.waiting]).toEqual([4, 0]);
  });

  it("takes a request for one that was sent byte by byte", async () => {
    const { time, sent, ask } = play([
      { ms: 0, sent: "01" },
      { ms: 10, sent: "02" },
      { ms: 30, heard: "81" },
    ]);
    ask(1);
    await time.advance(10);
    ask(2);
    await time.advance(100);
    expect(sent).toEqual([[30, "81"]]);
  });
});
