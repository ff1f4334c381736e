import { describe, expect, it } from "vitest";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { readArchive } from "./archive.ts";
import { createHandOver, type HandedOverState, type HandOverDeps } from "./hand-over.ts";

const HASH = "ab".repeat(32);
const FILES = [
  { path: "/etc/station.yaml", text: "format: 1\n" },
  { path: "/own/valve.yaml", text: "own\n" },
  { path: "/catalogue/bme280.yaml", text: "known\n" },
];

interface Now {
  readonly hash: string | undefined;
  readonly isBusy: boolean;
  readonly obstacle: string | undefined;
  readonly bytesMax?: number;
}

function bench(kept: { state?: HandedOverState } = {}, at: Partial<Now> = {}) {
  const time = createSimulatedTime();
  const sent: { name: string; bytes: Uint8Array }[] = [];
  const said: string[] = [];
  const now: Now = { hash: HASH, isBusy: false, obstacle: undefined, ...at };
  let tell: Parameters<HandOverDeps["sender"]["onEnded"]>[0] = () => undefined;
  const handOver = createHandOver(
    {
      ...time,
      log: (_, event, fields) => void said.push(`${event} ${JSON.stringify(fields)}`),
      state: { load: () => kept.state, save: (state) => void Object.assign(kept, { state }) },
      kept: () => (now.hash === undefined ? undefined : { hash: now.hash, files: FILES }),
      obstacle: () => now.obstacle,
      sender: {
        send: (name, bytes) => (now.isBusy ? undefined : (sent.push({ name, bytes }), { id: name })),
        bytesMax: () => now.bytesMax ?? Number.POSITIVE_INFINITY,
        onEnded: (listener) => {
          tell = listener;
        },
      },
    },
    { catalogue: ["/catalogue"], cloud: "mqtts://bridge" },
  );
  const stop = new AbortController();
  void handOver.run(stop.signal);
  return {
    time,
    now,
    sent,
    said,
    kept,
    ended: (id: string, how: "sent" | "refused" | "late") => tell({ id }, how),
    stop: () => stop.abort(),
  };
}
const MINUTE_MS = 60_000;

describe("handing over the description", () => {
  it("sends the station file and its own types, under a name that says the hash", async () => {
    const { time, sent, stop } = bench();
    await time.advance(1);
    expect(sent.map(({ name }) => name)).toEqual([`description-${HASH.slice(0, 16)}.tar.gz`]);
    const files = await readArchive(sent[0]?.bytes ?? new Uint8Array());
    expect(files.map(({ name }) => name)).toEqual(["station.yaml", "devices/valve.yaml"]);
    stop();
  });

  it("does it once for each that is kept: after a restart only what hadn't arrived, for another cloud again", async () => {
    const first = bench();
    await first.time.advance(1);
    const again = bench(first.kept);
    await again.time.advance(1);
    expect(again.sent).toHaveLength(1);
    again.ended("some other file", "sent");
    expect(again.kept.state).toBeUndefined();
    again.ended(again.sent[0]?.name ?? "", "sent");
    await again.time.advance(10 * MINUTE_MS);
    expect(again.sent).toHaveLength(1);
    Object.assign(again.now, { hash: "cd".repeat(32) });
    await again.time.advance(MINUTE_MS);
    expect(again.sent).toHaveLength(2);
    const elsewhere = bench({ state: { hash: HASH, cloud: "mqtts://other" } });
    const known = bench({ state: { hash: HASH, cloud: "mqtts://bridge" } });
    for (const { time } of [elsewhere, known]) await time.advance(MINUTE_MS);
    expect([elsewhere.sent.length, known.sent.length]).toEqual([1, 0]);
    for (const each of [first, again, elsewhere, known]) each.stop();
  });

  it("tries again after a link that was away for too long, and not what the cloud will never take", async () => {
    const { time, sent, ended, stop } = bench();
    await time.advance(10 * MINUTE_MS);
    expect(sent).toHaveLength(1);
    ended(sent[0]?.name ?? "", "late");
    await time.advance(MINUTE_MS);
    expect(sent).toHaveLength(2);
    ended(sent[0]?.name ?? "", "refused");
    await time.advance(10 * MINUTE_MS);
    expect(sent).toHaveLength(2);
    stop();
  });

  it("doesn't try again and again what the broker takes no part of, which is said once", async () => {
    const { time, now, sent, said, stop } = bench({}, { bytesMax: 0 });
    await time.advance(10 * MINUTE_MS);
    Object.assign(now, { bytesMax: 1_000_000 });
    await time.advance(10 * MINUTE_MS);
    expect(sent).toEqual([]);
    expect(said).toEqual([expect.stringMatching(/^description-not-handed-over .*the broker takes 0 of its \d+ bytes/)]);
    stop();
  });

  it("waits for a trial, a short budget and another file that is under way", async () => {
    const { time, now, sent, stop } = bench({}, { hash: undefined });
    await time.advance(MINUTE_MS);
    Object.assign(now, { hash: HASH, obstacle: "the month's budget is short" });
    await time.advance(MINUTE_MS);
    Object.assign(now, { obstacle: undefined, isBusy: true });
    await time.advance(MINUTE_MS);
    expect(sent).toEqual([]);
    Object.assign(now, { isBusy: false });
    await time.advance(MINUTE_MS);
    expect(sent).toHaveLength(1);
    stop();
  });
});
