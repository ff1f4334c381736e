/** Real frames of the catalogue's devices, as their documents print them, found on a line by scan. */
import { expect, it } from "vitest";
import { createCliBench } from "../testing/cli-bench.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

it("a dust sensor and a wind sensor are told by what they send", async () => {
  const bench = createCliBench();
  const dust = bench.run(["scan", "/dev/ttyUSB0", "--only", "listen", "--speed", "9600"]);
  await bench.time.advance(500);
  const frame = "42 4D 00 1C 00 00 00 08 00 08 00 00 00 08 00 08 00 D2 00 46 00 2D 00 1E 00 00 00 00 97 00 02 C5";
  for (let second = 0; second < 3; second++) bench.serial.say(bytes(frame));
  expect(await dust).toBe(0);
  expect(bench.out).toMatch(/9600 8N1 +pms5003 +identified +3 whole frames \(dust\) in 3 s/);

  bench.out = "";
  const wind = bench.run(["scan", "/dev/ttyUSB0", "--only", "listen", "--speed", "4800", "--json"]);
  await bench.time.advance(500);
  bench.serial.say(new TextEncoder().encode("$WIMWV,282,R,0.1,M,A*37\r\n"));
  await wind;
  const [{ findings, notes }] = JSON.parse(bench.out) as [{ findings: { types: string[] }[]; notes: string[] }];
  expect(findings.flatMap(({ types }) => types)).toContain("nmea-wind");
  expect(notes[0]).toContain("$WIMWV,282");
});

it("an electric meter at its factory speed is found without being told which", async () => {
  // Answers function 3 with an exception; 30 registers from 0 as its manual prints them.
  const answer =
    "01 04 40 43 66 33 34 00 00 00 00 00 00 00 00 3F B0 00 00 00 00 00 00 00 00 00 00 43 96 C0 00 00 00 00 00 00 00 00 00 43 9E 40 00 00 00 00 00 00 00 00 00 C2 C0 99 9A 00 00 00 00 00 00 00 00 3F 73 DD 98 2D FD";
  const bench = createCliBench((request) => {
    if (request[0] !== 1) return [];
    if (request[1] === 3) return [{ afterMs: 20, bytes: bytes("01 83 02 C0 F1") }];
    return request[5] === 0x20 ? [{ afterMs: 20, bytes: bytes(answer) }] : [];
  });
  const code = await bench.run(["scan", "/dev/ttyUSB0", "--only", "modbus", "--address", "1-2", "--all"], 120_000);
  expect(code).toBe(0);
  expect(bench.err).toContain("2400 8N1");
  expect(bench.out).toMatch(/address 1, 2400 8N1 +sdm120 +fits/);
});

it("an own type that extends one of the catalogue is proposed before it", async () => {
  const bench = createCliBench();
  bench.files.write(
    "/etc/pump-station/devices/better.yaml",
    'format: 1\ntype: better\nextends: bme280\nsource: "made for this test"\n',
  );
  bench.i2c.chips.set(0x76, (write, length) => (write[0] === 0xd0 ? Uint8Array.of(0x60) : new Uint8Array(length)));
  expect(await bench.run(["scan", "/dev/i2c-1"])).toBe(0);
  expect(bench.out).toMatch(/0x76 +better or bme280 +identified/);
});
