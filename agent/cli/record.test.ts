import { describe, expect, it } from "vitest";
import { parseBusRecording } from "../tap/recording.ts";
import { createTaps } from "../tap/taps.ts";
import { type CliBench, createCliBench } from "../testing/cli-bench.ts";
import { createMemoryFiles } from "../testing/memory-files.ts";
import { createRecordingFile } from "./recording-file.ts";

const textOf = (bench: CliBench, path: string) => new TextDecoder().decode(bench.files.read(path));
const STATION = `format: 1
station: demo
ports:
  line:
    serial: /dev/ttyUSB0
devices:
  pump:
    type: pump-mk2
    port: line
    address: 1
`;
const REQUEST = Uint8Array.from(Buffer.from("55AA010101E050", "hex"));
const ANSWER = Uint8Array.from(Buffer.from("55AA010E81011FBD0476019D00004FC127101547", "hex"));

function withAgent() {
  const bench = createCliBench();
  const taps = createTaps(bench.time);
  const asked: string[] = [];
  bench.agent = (ask, { port, tap }) => {
    asked.push(ask);
    if (ask === "ports") return [{ name: "line", kind: "serial", path: "/dev/ttyUSB0", devices: ["pump"] }];
    if (ask === "tap")
      return { ...taps.start({ path: "/dev/ttyUSB0" }), station: "demo", startedAt: Date.UTC(2026, 4, 2), port };
    return ask === "tapped" ? taps.take(Number(tap)) : taps.end(Number(tap));
  };
  return { bench, taps, asked };
}

describe("record beside the agent", () => {
  it("writes what passes over the port of a device, opens nothing, and ends in time", async () => {
    const { bench, taps, asked } = withAgent();
    const running = bench.run(["record", "pump", "/tmp/pump.jsonl", "--for", "2s"]);
    await bench.time.advance(500);
    taps.pass({ path: "/dev/ttyUSB0" }, () => ({ sent: "55 AA" }));
    await bench.time.advance(700);
    taps.pass({ path: "/dev/ttyUSB0" }, () => ({ heard: "AA 55" }));
    expect(await running).toBe(0);
    expect(bench.out).toMatch(/^\/tmp\/pump\.jsonl: 2 events/);
    const { head, events } = parseBusRecording(textOf(bench, "/tmp/pump.jsonl"));
    expect(head).toMatchObject({ station: "demo", by: "agent", started: "2026-05-02T00:00:00.000Z" });
    expect(events).toEqual([
      { ms: 500, sent: "55 AA" },
      { ms: 1200, heard: "AA 55" },
    ]);
    expect([bench.serial.opened, asked.at(-1)]).toEqual([0, "untap"]);
  });

  it("keeps what it has when it is interrupted, and overwrites nothing", async () => {
    const { bench, taps } = withAgent();
    const running = bench.run(["record", "line", "/tmp/a.jsonl", "--for", "10min", "--json"], 600_000);
    await bench.time.advance(300);
    taps.pass({ path: "/dev/ttyUSB0" }, () => ({ sent: "01" }));
    bench.interrupt();
    expect(await running).toBe(0);
    expect(JSON.parse(bench.out)).toMatchObject({ file: "/tmp/a.jsonl", events: 1 });
    expect(await bench.run(["record", "line", "/tmp/a.jsonl"])).toBe(1);
    expect(bench.err).toContain("there is such a file already");
  });

  it("names what the station has when that isn't there", async () => {
    const { bench } = withAgent();
    expect(await bench.run(["record", "pmup", "/tmp/a.jsonl"])).toBe(1);
    expect(bench.err).toContain("line (pump)");
    expect(await bench.run(["record"])).toBe(64);
    expect(await bench.run(["record", "pump", "/tmp/b.jsonl", "--for", "ten"])).toBe(64);
  });
});

describe("record without an agent", () => {
  it("listens at the speed of the station file, and sends nothing", async () => {
    const bench = createCliBench();
    bench.files.write("/etc/pump-station/station.yaml", STATION);
    const running = bench.run(["record", "pump", "/tmp/a.jsonl", "--for", "1s"]);
    await bench.time.advance(250);
    bench.serial.say(Uint8Array.of(1, 2));
    expect(await running).toBe(0);
    const { head, events } = parseBusRecording(textOf(bench, "/tmp/a.jsonl"));
    expect(head).toMatchObject({ by: "listening", speed: 115_200, mode: "8N1" });
    expect(events).toEqual([{ ms: 250, heard: "01 02" }]);
    expect(bench.serial.written).toEqual([]);
    expect(bench.err).toContain("only listened to");
  });

  it("saves what came before the line closed, and refuses a bus on which nobody asks", async () => {
    const bench = createCliBench();
    const running = bench.run(["record", "/dev/ttyUSB0", "/tmp/a.jsonl", "--speed", "9600"]);
    await bench.time.advance(250);
    bench.serial.say(Uint8Array.of(1));
    bench.serial.unplug();
    expect(await running).toBe(1);
    expect(parseBusRecording(textOf(bench, "/tmp/a.jsonl")).events).toMatchObject([
      { heard: "01" },
      { closed: "unplugged" },
    ]);
    expect(await bench.run(["record", "/dev/i2c-1", "/tmp/b.jsonl"])).toBe(1);
    expect(bench.err).toContain("nobody asks on /dev/i2c-1");
    expect(await bench.run(["record", "/dev/ttyUSB1", "/tmp/b.jsonl"])).toBe(1);
    expect(bench.err).toContain("--speed 9600");
  });
});

describe("a recording as examples", () => {
  it("names the read that was asked and gives its values where the station file knows the device", async () => {
    const { bench, taps } = withAgent();
    const running = bench.run(["record", "pump", "/tmp/a.jsonl", "--for", "1s"]);
    await bench.time.advance(300);
    for (const bytes of [REQUEST, ANSWER.subarray(0, 5), ANSWER.subarray(5)])
      taps.pass({ path: "/dev/ttyUSB0" }, () => {
        const hex = Buffer.from(bytes)
          .toString("hex")
          .toUpperCase()
          .replaceAll(/..(?=.)/g, "$& ");
        return bytes === REQUEST ? { sent: hex } : { heard: hex };
      });
    await running;
    bench.out = "";
    bench.files.write("/etc/pump-station/station.yaml", STATION);
    expect(await bench.run(["record", "--examples", "/tmp/a.jsonl"])).toBe(0);
    const sent = 'sent:   "55 AA 01 01 01 E0 50"';
    const answer = 'answer: "55 AA 01 0E 81 01 1F BD 04 76 01 9D 00 00 4F C1 27 10 15 47"';
    for (const line of ["read: status", "given: { address: 1 }", sent, answer, "state: pumping, pressure: 812.5"])
      expect(bench.out).toContain(line);
    // They are examples: put into the device file, they come out.
    const file = textOf(bench, "/catalogue/pump-mk2.yaml");
    bench.files.write("/own/pump-mk2.yaml", file.replace(/^examples:[\s\S]*$/m, bench.out));
    bench.out = "";
    expect(await bench.run(["check", "/own/pump-mk2.yaml"])).toBe(0);
    expect(bench.out).toContain("1 examples come out");
  });

  it("shows the transfers of each chip", async () => {
    const bench = createCliBench();
    const head =
      '{"format":"pump-station-bus","version":1,"station":"d","port":{"name":"m","kind":"i2c","path":"/dev/i2c-1"},"started":"2026-05-02T08:00:00.000Z","by":"agent"}';
    bench.files.write(
      "/a.jsonl",
      `${head}\n{"ms":1,"took":1,"address":"0x48","write":"00","read":2,"got":"19 00"}\n{"ms":2,"took":1,"address":"0x48","write":"01 00","read":0,"got":""}\n`,
    );
    await bench.run(["record", "--examples", "/a.jsonl"]);
    expect(bench.out).toContain('- { write: "00", read: "19 00" }');
    expect(bench.out).toContain('- { write: "01 00" }');
    expect(await bench.run(["record", "--examples", "/none.jsonl"])).toBe(1);
  });
});

describe("the file of a recording", () => {
  it("is saved whenever it has doubled, is bounded, and says that it is full", () => {
    const files = createMemoryFiles();
    let writes = 0;
    const counting = {
      ...files,
      writeDurably: (path: string, bytes: Uint8Array) => (writes++, files.writeDurably(path, bytes)),
    };
    const head = {
      format: "pump-station-bus",
      version: 1,
      station: "",
      port: { name: "a", kind: "serial", path: "/a" },
      started: "2026-05-02T08:00:00.000Z",
      by: "agent",
    } as const;
    const file = createRecordingFile(counting, "/r", head, 1_000_000);
    for (let ms = 0; ms < 50_000; ms++) file.add({ ms, heard: "00 01 02 03" });
    expect(writes).toBeLessThan(8);
    expect(file.isFull()).toBe(true);
    file.save();
    expect(files.read("/r")?.length).toBeLessThanOrEqual(1_000_000);
    expect(parseBusRecording(new TextDecoder().decode(files.read("/r"))).events.length).toBe(file.counted().events);
  });
});
