/** Devices as files describe them, on one line: what the language compiles, lived by the agent. */
import { loadStation } from "@pump-station/sensor-descriptions/load.ts";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Sample } from "../reading.ts";
import { createSerialBench } from "../testing/serial-bench.ts";
import type { SerialDevice } from "./serial-reader.ts";

/** As dust sensors do, with an address, for the line is shared: 42 4D, address, length, values, sum; nobody asks. */
const DUST = `format: 1
type: dust
source: "this test"
every: 10s
needs:
  address: { kind: whole-number, range: 1 to 247 }
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 100ms }
byte-order: big-endian
frame:
  - { part: start,  bytes: "42 4D" }
  - { part: address, as: u8 }
  - { part: length, as: u16, counts: body+check }
  - { part: body }
  - { part: check,  sum: sum16, over: start to body }
reads:
  air:
    by-itself: true
    channels:
      pm25: { byte: 0, as: u16, unit: ug/m3 }
`;

/** Answers when it is asked, and says by itself when its state changes. */
const BOARD = `format: 1
type: board
source: "this test"
every: 10s
needs:
  address: { kind: whole-number, range: 1 to 247 }
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 100ms, retries: 0 }
byte-order: big-endian
frame:
  - { part: start,   bytes: "55 AA" }
  - { part: address, as: u8 }
  - { part: length,  as: u8, counts: body }
  - { part: body }
  - { part: check,   crc: CRC-16/MODBUS, over: address to body, byte-order: little-endian }
reads:
  status:
    send: "01"
    answer: "81"
    channels:
      level: { byte: 1, as: u16, unit: mm }
  event:
    by-itself: true
    answer: "C1"
    channels:
      state: { byte: 1, as: u8, states: { 0: idle, 1: pumping } }
`;

const STATION = `format: 1
station: demo-lake
ports:
  line:
    serial: /dev/ttyS1
devices:
  dust:
    type: dust
    port: line
    address: 3
  one:
    type: board
    port: line
    address: 1
  two:
    type: board
    port: line
    address: 2
`;

function devicesOf(): readonly SerialDevice[] {
  const texts: Readonly<Record<string, string>> = { dust: DUST, board: BOARD };
  const { station, problems } = loadStation({ path: "/station.yaml", text: STATION }, (type) =>
    texts[type] === undefined ? undefined : { path: `/types/${type}.yaml`, text: texts[type] },
  );
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return station!.devices as readonly SerialDevice[];
}

const CARRIED: Readonly<Record<string, { readonly read: string; readonly channel: string }>> = {
  dust: { read: "air", channel: "pm25" },
  one: { read: "event", channel: "state" },
  two: { read: "event", channel: "state" },
};

type Said = { readonly who: string; readonly value: number };

/** Three devices on a line; `say` and `around` are what they, or noise, say by themselves. */
function createLine() {
  const devices = devicesOf();
  const sides = devices.slice(1).map(({ protocol, address }) => protocol.deviceSide(address ?? 0));
  const next = { around: [] as readonly Said[], cut: 0, level: 0 };
  const said = new Map<string, number>();
  const bytesOf = ({ who, value }: Said): Uint8Array => {
    const carried = CARRIED[who];
    const device = devices.find(({ name }) => name === who);
    if (!carried || !device) return Uint8Array.of(value);
    said.set(who, value);
    return device.protocol.report!(device.address ?? 0, carried.read, new Map([[carried.channel, value]]));
  };
  const bench = createSerialBench((request) => {
    const asked = sides.flatMap((side) => side.push(request))[0];
    if (asked?.kind !== "read") return [];
    const [before = new Uint8Array(0), ...after] = next.around.map(bytesOf);
    next.around = [];
    const answer = asked.answer(new Map([["level", ++next.level]]));
    const line = Uint8Array.of(...before, ...answer, ...after.flatMap((bytes) => [...bytes]));
    return [
      { afterMs: 5, bytes: line.subarray(0, next.cut) },
      { afterMs: 9, bytes: line.subarray(next.cut) },
    ];
  }, devices);
  /** The newest value that the agent told of what each device says by itself. */
  const told = (samples: readonly Sample[]): Map<string, number> => {
    const newest = new Map<string, number>();
    for (const { device, values } of [...samples].sort((a, b) => a.bootMs - b.bootMs)) {
      const at = devices
        .find(({ name }) => name === device)!
        .channels.findIndex(({ name }) => name === CARRIED[device]!.channel);
      const value = values[at];
      if (typeof value === "number") newest.set(device, value);
    }
    return newest;
  };
  return { ...bench, atOnce: bench.told, next, said, told, say: (one: Said) => bench.serial.say(bytesOf(one)) };
}

it("reports of three devices around requests, cut anywhere, with noise between: none is lost, none is another's (property)", async () => {
  const said = fc.oneof(
    fc.record({ who: fc.constant("dust"), value: fc.nat(999) }),
    fc.record({ who: fc.constantFrom("one", "two"), value: fc.nat(1) }),
    fc.record({ who: fc.constant("noise"), value: fc.nat(255) }),
  );
  const round = fc.record({
    before: fc.array(said, { maxLength: 3 }),
    around: fc.array(said, { maxLength: 3 }),
    cut: fc.nat(40),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 4 }), async (rounds) => {
      const line = createLine();
      const samples: Sample[] = [];
      const pollBoards = async (): Promise<void> => {
        for (const source of line.sources.slice(1)) {
          const sample = await line.settled(source.poll());
          // The level that this very request was answered with.
          expect(sample.values).toContain(line.next.level);
          samples.push(sample);
        }
      };
      await pollBoards();
      for (const { before, around, cut } of rounds) {
        for (const one of before) {
          line.say(one);
          await line.time.advance(3);
        }
        Object.assign(line.next, { around, cut });
        await pollBoards();
        await line.time.advance(2_000);
      }
      // What the last polls didn't tell, these do.
      await pollBoards();
      if (line.said.has("dust")) samples.push(await line.settled(line.sources[0]!.poll()));
      expect(line.told([...samples, ...line.atOnce])).toEqual(line.said);
    }),
    { numRuns: 25 },
  );
}, 60_000);
