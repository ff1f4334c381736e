import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import { createModbusProtocol } from "@pump-station/sensor-descriptions/modbus/modbus.ts";
import type { SerialProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { loadDescription } from "../description.ts";
import { type CliBench, createCliBench } from "../testing/cli-bench.ts";
import { smallFrame } from "../testing/small-protocol.ts";

const BME280 = (write: Uint8Array, length: number) =>
  write[0] === 0xd0 ? Uint8Array.of(0x60) : new Uint8Array(length);

/** The device's side of a type of the catalogue. */
function deviceOf(bench: CliBench, type: string, given: Record<string, number>): SerialProtocol {
  const path = `/catalogue/${type}.yaml`;
  const text = new TextDecoder().decode(bench.files.read(path));
  const protocol = loadDeviceType({ path, text }).type?.protocol(new Map(Object.entries(given)));
  if (protocol?.kind !== "serial") throw new Error(`${type} is not serial`);
  return protocol;
}

describe("scan without a port", () => {
  it("lists what a station file could name", async () => {
    const bench = createCliBench();
    bench.listed.serial = [{ path: "/dev/serial/by-path/x", also: ["/dev/ttyUSB0"], what: "ftdi_sio" }];
    bench.listed.i2c = [{ path: "/dev/i2c-1", also: [], what: "bcm2835" }];
    bench.listed.gpio = [{ label: "pinctrl", name: "gpiochip0", lines: [{ offset: 0 }] }];
    expect(await bench.run(["scan"])).toBe(0);
    expect(bench.out).toMatch(/serial +\/dev\/serial\/by-path\/x +ftdi_sio, \/dev\/ttyUSB0/);
    expect(bench.out).toMatch(/i2c +\/dev\/i2c-1 +bcm2835/);
    expect(bench.out).toMatch(/gpio +pinctrl +gpiochip0, 1 lines/);
    bench.out = "";
    await bench.run(["scan", "--json"]);
    expect(JSON.parse(bench.out)).toMatchObject({ i2c: [{ path: "/dev/i2c-1" }] });
  });
});

describe("scan of an I2C bus", () => {
  it("writes nothing but the numbers of registers that tell who is there", async () => {
    const bench = createCliBench();
    bench.i2c.chips.set(0x76, BME280);
    expect(await bench.run(["scan", "/dev/i2c-1"])).toBe(0);
    expect(bench.out).toMatch(/0x76 +bme280 +identified +register D0 says 60/);
    const written = bench.i2c.transfers.filter(({ write }) => write.length > 0);
    expect(written.length).toBeGreaterThan(0);
    expect(written.every(({ write, readLength }) => write.length === 1 && readLength > 0)).toBe(true);
    const touched = bench.i2c.transfers.filter(({ write }) => write.length === 0).map(({ address }) => address);
    expect([touched[0], touched.at(-1), touched.length]).toEqual([0x08, 0x77, 0x70]);
    expect(bench.i2c.transfers.every(({ readLength }) => readLength > 0)).toBe(true);
  });

  it("proposes a chip that only a set-up would show by its address, and says that it isn't sure", async () => {
    const bench = createCliBench();
    bench.i2c.chips.set(0x48, (_, length) => new Uint8Array(length));
    await bench.run(["scan", "/dev/i2c-1"]);
    expect(bench.out).toMatch(/0x48 +ads1115 or .*lm75 or .*tmp102 +possible +by its address alone/);
  });

  it("pings only when asked, and never where that can lock an EEPROM", async () => {
    const bench = createCliBench();
    bench.i2c.chips.set(0x44, (_, length) => (length > 0 ? "nack" : new Uint8Array()));
    await bench.run(["scan", "/dev/i2c-1"]);
    expect(bench.out).toContain("nobody answered");
    expect(bench.out).toContain("--ping finds them too");
    bench.out = "";
    await bench.run(["scan", "/dev/i2c-1", "--ping"]);
    expect(bench.out).toMatch(/0x44 +.*sht4x.*possible/);
    const pinged = bench.i2c.transfers.filter(({ readLength }) => readLength === 0).map(({ address }) => address);
    expect(pinged.filter((address) => (address >= 0x30 && address <= 0x37) || (address & 0xf0) === 0x50)).toEqual([]);
    expect(pinged).toContain(0x38);
  });

  it("tells a chip of the kernel from a free one, and ends at a bus that hangs", async () => {
    const bench = createCliBench();
    bench.i2c.chips.set(0x68, () => "busy").set(0x70, () => "stuck");
    await bench.run(["scan", "/dev/i2c-1", "--json"]);
    const [{ findings, notes }] = JSON.parse(bench.out) as [{ findings: object[]; notes: string[] }];
    expect(findings).toMatchObject([{ where: "0x68", sureness: "in use" }]);
    expect(notes[0]).toContain("hangs since 0x70");
    expect(bench.i2c.transfers.at(-1)?.address).toBe(0x70);
  });

  it("writes a first station file that passes check, and never over another one", async () => {
    const bench = createCliBench();
    bench.i2c.chips
      .set(0x76, BME280)
      .set(0x48, (_, length) => new Uint8Array(length))
      .set(0x77, BME280);
    expect(await bench.run(["scan", "/dev/i2c-1", "--write", "/new.yaml"])).toBe(0);
    const { station, problems } = loadDescription(bench.files, "/new.yaml", ["/catalogue"]);
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(station?.devices.map(({ type, address }) => [type, address])).toEqual([
      ["ads1115", 0x48],
      ["bme280", 0x76],
      ["bme280", 0x77],
    ]);
    const before = bench.files.read("/new.yaml");
    const transfers = bench.i2c.transfers.length;
    expect(await bench.run(["scan", "/dev/i2c-1", "--write", "/new.yaml"])).toBe(1);
    expect(bench.err).toContain("scan overwrites none");
    expect([bench.files.read("/new.yaml"), bench.i2c.transfers.length]).toEqual([before, transfers]);
  });
});

describe("scan beside an agent", () => {
  const held = (devices: string[]) => [{ name: "mast", kind: "i2c", path: "/dev/i2c-1", devices }];

  it("touches nothing that another command works on, and has the port to itself until it ends", async () => {
    const bench = createCliBench();
    bench.locked.set("/dev/i2c-1", "another pump-station command, process 7, since 10:00 UTC");
    expect(await bench.run(["scan", "/dev/i2c-1"])).toBe(1);
    expect(bench.err).toContain("port /dev/i2c-1: another pump-station command, process 7, since 10:00 UTC has it");
    expect(bench.i2c.transfers).toEqual([]);
    bench.locked.clear();
    const during: (string | undefined)[] = [];
    bench.i2c.chips.set(0x76, (write, length) => {
      during.push(bench.locked.get("/dev/i2c-1"));
      return BME280(write, length);
    });
    expect(await bench.run(["scan", "/dev/i2c-1"])).toBe(0);
    expect(new Set(during)).toEqual(new Set(["this command"]));
    expect(bench.locked.size).toBe(0);
  });

  it("touches nothing that a running agent holds, and says what to do", async () => {
    const bench = createCliBench();
    bench.agent = () => held(["climate", "cabinet"]);
    expect(await bench.run(["scan", "/dev/i2c-1"])).toBe(1);
    expect(bench.err).toMatch(/\/dev\/i2c-1: the running agent holds it \(mast: climate, cabinet\)[\s\S]*paused:/);
    expect(bench.i2c.opened).toBe(0);
    bench.agent = () => held([]);
    expect(await bench.run(["scan", "/dev/i2c-1"])).toBe(0);
  });

  it("touches nothing while an agent runs that doesn't answer", async () => {
    const bench = createCliBench();
    bench.files.write(
      "/etc/pump-station/agent.yaml",
      "format: 1\nstation: x\ndescription: s.yaml\ndata: data\ncloud: mqtt://localhost:1\ncontrol: c.sock\n",
    );
    for (const isHeld of [true, "unknown"] as const) {
      bench.isFolderHeld = isHeld;
      expect(await bench.run(["scan", "/dev/i2c-1"])).toBe(1);
    }
    expect(bench.err).toContain("an agent runs on /etc/pump-station/data and doesn't answer");
    expect(bench.err).toContain("join the group pump-station");
    expect(bench.i2c.opened).toBe(0);
  });

  it("says what to do when a port can't be opened", async () => {
    const bench = createCliBench();
    bench.listed.serial = [{ path: "/dev/ttyUSB7", also: [], what: "" }];
    bench.serial.failure = "denied";
    expect(await bench.run(["scan", "/dev/ttyUSB0"])).toBe(1);
    expect(bench.err).toContain("usermod -aG dialout");
    bench.serial.failure = "absent";
    await bench.run(["scan", "/dev/ttyUSB0"]);
    expect(bench.err).toContain("What there is: /dev/ttyUSB7");
    bench.i2c.failure = "denied";
    await bench.run(["scan", "/dev/i2c-1"]);
    expect(bench.err).toContain("usermod -aG i2c");
    await bench.run(["scan", "mats"]);
    expect(bench.err).toContain("port mats: there is no such port");
  });
});

describe("scan of a serial line", () => {
  it("finds a baseboard of our own framing by its first read, and sends Modbus nothing then", async () => {
    const far: { answer(bytes: Uint8Array): Uint8Array[] } = { answer: () => [] };
    // Slower than its description says: it is busy inflating.
    const bench = createCliBench((bytes) => far.answer(bytes).map((frame) => ({ afterMs: 300, bytes: frame })));
    const pump = deviceOf(bench, "pump-mk2", { address: 1 });
    const values = new Map(
      Object.entries({ state: 1, pressure: 812.5, current: 11.42, temperature: 41.3, cycles: 9, target: 1000 }),
    );
    const side = pump.deviceSide(1);
    let requests = 0;
    // It misses the first one.
    far.answer = (bytes) =>
      side
        .push(bytes)
        .flatMap((request) => (request.kind === "read" && requests++ > 0 ? [request.answer(values)] : []));
    expect(await bench.run(["scan", "/dev/ttyUSB0", "--write", "/new.yaml"])).toBe(0);
    expect(bench.out).toMatch(/address 1, 115200 8N1 +pump-mk2 +identified +answered its read "status"/);
    expect(loadDescription(bench.files, "/new.yaml", ["/catalogue"]).station?.devices).toMatchObject([
      { type: "pump-mk2", address: 1 },
    ]);
    const isProbe = (bytes: Uint8Array) => bytes.length === 8 && bytes[1] === 3 && bytes[5] === 1;
    expect(bench.serial.written.filter(({ bytes }) => isProbe(bytes))).toEqual([]);
  });

  it("finds a Modbus device by an exception, tells how long it may take, and proposes what fits", async () => {
    const far: { answer(bytes: Uint8Array): Uint8Array[] } = { answer: () => [] };
    const bench = createCliBench((bytes) => far.answer(bytes).map((frame) => ({ afterMs: 20, bytes: frame })));
    const meter = deviceOf(bench, "pump-modbus", { address: 17 });
    const values = new Map(meter.reads.flatMap(({ channels }) => channels.map((name) => [name, 1] as const)));
    const side = meter.deviceSide(17);
    const refusing = createModbusProtocol({
      protocol: "modbus-rtu",
      serial: meter.settings,
      timing: meter.timing,
      reads: [{ name: "probe", table: "holding", register: 0, count: 1, channels: [] }],
      settings: [],
      commands: [],
    }).deviceSide(17);
    far.answer = (bytes) => [
      ...refusing.push(bytes).flatMap((request) => (request.kind === "read" ? [request.refuse(2)] : [])),
      ...(bytes[1] === 3
        ? []
        : side.push(bytes).flatMap((request) => (request.kind === "read" ? [request.answer(values)] : []))),
    ];
    const code = await bench.run([
      "scan",
      "/dev/ttyUSB0",
      "--only",
      "modbus",
      "--speed",
      "19200",
      "--mode",
      "8E1",
      "--address",
      "10-20",
      "--json",
    ]);
    expect([code, bench.err]).toEqual([0, expect.stringContaining("at most 1.3 s")]);
    const [{ findings }] = JSON.parse(bench.out) as [{ findings: object[] }];
    expect(findings).toMatchObject([
      {
        where: "address 17, 19200 8E1",
        sureness: "fits",
        types: ["pump-modbus"],
        because: expect.stringMatching(/([1-9]) of \1 plausible/),
      },
    ]);
    const asked = bench.serial.written.map(({ bytes }) => [bytes[0], bytes[1]]);
    expect(asked.every(([, code]) => code === 3 || code === 4)).toBe(true);
    expect(new Set(asked.map(([address]) => address))).toEqual(new Set([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]));
  });

  it("ends a Modbus scan by Ctrl-C with what it has", async () => {
    const bench = createCliBench();
    const running = bench.run(["scan", "/dev/ttyUSB0", "--only", "modbus"], 600_000);
    await bench.time.advance(3_000);
    bench.interrupt();
    expect(await running).toBe(0);
    expect(bench.out).toContain("stopped before the end");
    expect(bench.serial.written.length).toBeLessThan(100);
  });

  it("recognises frames that come by themselves at the speed of their type, sends nothing, and counts them", async () => {
    const bench = createCliBench();
    bench.files.write("/etc/pump-station/devices/talker.yaml", TALKER);
    bench.listed.serial = [];
    const running = bench.run(["scan", "/dev/ttyUSB0", "--only", "listen"]);
    await bench.time.advance(1_000);
    bench.serial.say(Uint8Array.of(0xa5, 0x07, 0xac));
    bench.serial.say(Uint8Array.of(0x00, 0xa5, 0x08, 0xad));
    expect(await running).toBe(0);
    expect(bench.out).toMatch(/4800 8N1 +talker +identified +2 whole frames \(told\) in 3 s/);
    expect(bench.serial.written).toEqual([]);
  });

  it("shows text that nobody knows, so that its speed can be told", async () => {
    const bench = createCliBench();
    const running = bench.run(["scan", "/dev/ttyUSB0", "--only", "listen", "--speed", "9600"]);
    await bench.time.advance(1_000);
    bench.serial.say(new TextEncoder().encode("$WIMWV,214.8\r\n"));
    bench.serial.say(smallFrame(1, 1, []));
    await running;
    expect(bench.out).toMatch(/9600 8N1: \d+ bytes/);
  });
});

const TALKER = `format: 1
type: talker
source: "made for this test"
every: 10s
serial: { speed: 4800, mode: 8N1 }
timing: { answer-within: 100ms, pause-before-next: 5ms, retries: 1 }
byte-order: big-endian
frame:
  - { part: start, bytes: "A5" }
  - { part: body, length: 1 }
  - { part: check, sum: sum8, over: start to body }
reads:
  told:
    by-itself: true
    channels:
      level: { byte: 0, as: u8 }
examples:
  - name: "seven"
    from: "computed from this test"
    read: told
    answer: "A5 07 AC"
    gives: { level: 7 }
`;

describe("scan of a GPIO chip", () => {
  it("lists its lines by name with who uses them, and opens none", async () => {
    const bench = createCliBench();
    bench.listed.gpio = [
      { label: "pinctrl", name: "gpiochip0", lines: [{ offset: 5, name: "RELAY", usedBy: "onoff" }, { offset: 6 }] },
    ];
    expect(await bench.run(["scan", "/dev/gpiochip0"])).toBe(0);
    expect(bench.out).toMatch(/pin 5 "RELAY" +- +in use +used by onoff/);
    expect(bench.out).toMatch(/pin 6 +- +unknown +nobody uses it/);
    expect(bench.gpio.open).toBe(0);
  });
});
