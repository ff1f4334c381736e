import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createMemoryFiles } from "../testing/memory-files.ts";
import type { CliDeps } from "./command.ts";
import { explain } from "./explain.ts";
import { bytesIn } from "./explained.ts";

const DESCRIPTIONS = join(import.meta.dirname, "../../sensor-descriptions");
const STATION = `format: 1
station: demo
place:
  altitude: 584 m
ports:
  baseboard:
    serial: /dev/ttyUSB0
  mast:
    i2c: /dev/i2c-1
devices:
  pump:
    type: pump-mk2
    port: baseboard
    address: 3
    correct:
      temperature: -0.4 °C
    small-change:
      temperature: 0.2 °C
  climate:
    type: bme280
    port: mast
    address: 0x76
`;

function bench() {
  const files = createMemoryFiles();
  for (const folder of ["boards", "sensors", "testing/devices"])
    for (const name of readdirSync(join(DESCRIPTIONS, folder)).filter((one) => one.endsWith(".yaml")))
      files.write(`/catalogue/${name}`, readFileSync(join(DESCRIPTIONS, folder, name), "utf8"));
  files.write("/etc/station.yaml", STATION);
  const said = { out: "", err: "" };
  const deps = {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    colour: false,
    files,
    catalogue: ["/catalogue"],
    connectControl: () => Promise.reject(Object.assign(new Error("none"), { code: "ENOENT" })),
  } as unknown as CliDeps;
  const run = async (name: string, more: { bytes?: string; json?: boolean; live?: boolean } = {}) => {
    said.out = said.err = "";
    const code = await explain(deps, name, {
      file: "/etc/station.yaml",
      devices: [],
      control: "/run/control.sock",
      json: false,
      live: false,
      ...more,
    });
    return { ...said, code };
  };
  return { run, files };
}

const GOOD = "55 AA 01 0E 81 01 1F BD 04 76 01 9D 00 00 4F C1 27 10 15 47";
const shown = async (name: string, bytes?: string): Promise<string> => {
  const { out, err } = await bench().run(name, bytes === undefined ? {} : { bytes });
  return `\n${out}${err}`;
};

describe("explain on the terminal", () => {
  it("shows a good answer", async () => {
    expect(await shown("pump-mk2", GOOD)).toMatchInlineSnapshot(`
      "
      answer to "read status"
         0  55 AA        start        as described
         2  01           address      1: this device
         3  0E           length       14: counts the body's bytes
         4  81           answer       81 begins the answer to "read status"
         5  01           state        pumping (1)
         6  1F BD        pressure     8125 × 0.1 = 812.5 mbar
         8  04 76        current      1142 × 0.01 = 11.42 A
        10  01 9D        temperature  413 × 0.1 = 41.3 °C
        12  00 00 4F C1  cycles       20417
        16  27 10        target       10000 × 0.1 = 1000 mbar
        18  15 47        check        CRC-16/MODBUS over address to body (bytes 2 to
                                      17), low byte first: right
      "
    `);
  });
  it("shows a wrong check", async () => {
    expect(await shown("pump-mk2", GOOD.replace("15 47", "47 15"))).toMatchInlineSnapshot(`
      "
      answer to "read status", with a wrong check
         0  55 AA        start        as described
         2  01           address      1: this device
         3  0E           length       14: counts the body's bytes
         4  81           answer       81 begins the answer to "read status"
         5  01           state        pumping (1)
         6  1F BD        pressure     8125 × 0.1 = 812.5 mbar
         8  04 76        current      1142 × 0.01 = 11.42 A
        10  01 9D        temperature  413 × 0.1 = 41.3 °C
        12  00 00 4F C1  cycles       20417
        16  27 10        target       10000 × 0.1 = 1000 mbar
        18  47 15        check        CRC-16/MODBUS over address to body (bytes 2 to
                                      17), low byte first
                                      ✗ should be 15 47; what stands here is
                                      CRC-16/MODBUS over address to body (bytes 2 to
                                      17), high byte first
      "
    `);
  });
  it("shows another address: the station's pump is 3", async () => {
    expect(await shown("pump", "55 AA 01 01 01 E0 50")).toMatchInlineSnapshot(`
      "
      request "read status", of another address than 3
         0  55 AA  start    as described
         2  01     address  1
                            ✗ address 1, this device is 3
         3  01     length   1: counts the body's bytes
         4  01     request  the request "read status"
         5  E0 50  check    CRC-16/MODBUS over address to body (bytes 2 to 4), low
                            byte first: right
      "
    `);
  });
  it("shows what was cut", async () => {
    expect(await shown("pump-mk2", GOOD.slice(0, 32))).toMatchInlineSnapshot(`
      "
      no whole frame: length says 14, so 16 bytes have to follow it, but 7 do
         0  55 AA  start        as described
         2  01     address      1: this device
         3  0E     length       14: counts the body's bytes
                                ✗ length says 14, so 16 bytes have to follow it, but 7
                                do
         4  81     answer       81 begins the answer to "read status"
         5  01     state        pumping (1)
         6  1F BD  pressure     8125 × 0.1 = 812.5 mbar
         8  04 76  current      1142 × 0.01 = 11.42 A
        10  01     temperature  ✗ cut: 1 of 2 bytes are here
      "
    `);
  });
  it("shows a Modbus answer and an exception", async () => {
    expect(await shown("pump-modbus", "11 01 01 05 95 4B")).toMatchInlineSnapshot(`
      "
      answer to "read coil 0 to 2"
         0  11     address        17: this device
         1  01     function       1: read coils
         2  01     bytes          1 follow
         3  05     remote, valve  remote: bit 0: remote (1)
                                  valve: bit 2: open (1)
         4  95 4B  check          CRC-16/MODBUS over all before it, low byte first:
                                  right
      "
    `);
    expect(await shown("pump-modbus", "11 83 02 C1 34")).toMatchInlineSnapshot(`
      "
      refusal of "read holding registers"
         0  11     address    17: this device
         1  83     function   refuses function 3, read holding registers
         2  02     exception  2: illegal data address
         3  C1 34  check      CRC-16/MODBUS over all before it, low byte first: right
      "
    `);
  });
  it("shows an NMEA line", async () => {
    const line = Buffer.from("$WIMWV,214.8,R,0.1,K,A*28\r\n").toString("hex");
    expect(await shown("lines-nmea", line)).toMatchInlineSnapshot(`
      "
      report "wind"
         0  $      begin      each line begins so
         1  WIMWV  field      field 0
         6  ,      between    separates fields
         7  214.8  direction  214.8 deg
        12  ,      between    separates fields
        13  R      field      field 2
        14  ,      between    separates fields
        15  0.1    speed      0.1 m/s
        18  ,      between    separates fields
        19  K      field      field 4
        20  ,      between    separates fields
        21  A      status     valid (65)
        22  *28    check      xor8 over all between "$" and "*": right
        25  \\r\\n   end        the line's end
      "
    `);
  });
  it("shows stuffed bytes before and after", async () => {
    expect(await shown("slip")).toMatchInlineSnapshot(`
      "
      what is sent for "read weather"
      request "read weather"

        on the line
         0  C0           mark    between frames it says nothing
         1  00 01 89 11  inside  as meant
         5  C0           end     stands nowhere inside

        inside: request "read weather"
         0  00     sequence  0: the answer repeats the request's
         1  01     request   the request "read weather"
         2  89 11  check     CRC-16/KERMIT over sequence to body (bytes 0 to 1), low
                             byte first: right

      example: C0 and DB in the data
      request "read weather"

        on the line
         0  C0           mark    between frames it says nothing
         1  05 01 31 6F  inside  as meant
         5  C0           end     stands nowhere inside

        inside: request "read weather"
         0  05     sequence  5: the answer repeats the request's
         1  01     request   the request "read weather"
         2  31 6F  check     CRC-16/KERMIT over sequence to body (bytes 0 to 1), low
                             byte first: right

      answer to "read weather"

        on the line
         0  C0           mark    between frames it says nothing
         1  05 81        inside  as meant
         3  DB DC        escape  DB DC stands for C0
         5  DB DD        escape  DB DD stands for DB
         7  00 7B B2 C5  inside  as meant
        11  C0           end     stands nowhere inside

        inside: answer to "read weather"
         0  05     sequence   5: the answer repeats the request's
         1  81     answer     81 begins the answer to "read weather"
         2  C0 DB  direction  49371 deg
         4  00 7B  speed      123 × 0.1 = 12.3 m/s
         6  B2 C5  check      CRC-16/KERMIT over sequence to body (bytes 0 to 5), low
                              byte first: right

      example: the device is busy
      a refusal

        on the line
         0  C0              mark    between frames it says nothing
         1  07 FF 01 4C 62  inside  as meant
         6  C0              end     stands nowhere inside

        inside: a refusal
         0  07     sequence  7: the answer repeats the request's
         1  FF     refusal   the device refuses
         2  01     code      1: busy
         3  4C 62  check     CRC-16/KERMIT over sequence to body (bytes 0 to 2), low
                             byte first: right
      "
    `);
  });
  it("shows a chip's transfers and formulas", async () => {
    const text = await shown("bme280");
    expect(text.slice(0, text.indexOf("example: frost"))).toMatchInlineSnapshot(`
      "
      example: room (calibration and raw values of BST-BMP280-DS001, 3.12; humidity
      added)
      a measurement in 9 transfers

        transfer 1: written
         0  D0  write  register or command that identifies the chip

        transfer 1: read
         0  60  identity  as expected: it is this chip

        transfer 2: written
         0  E0 B6  write  what the description writes

        transfer 3: written
         0  F3  write  register or command from which is read

        transfer 3: read
         0  00  copying, until  copying: bit 0: 0
                                until: copying == 0, so: it goes on

        transfer 4: written
         0  88  write  register or command from which is read

        transfer 4: read
         0  70 6B  t1      27504 (low byte first)
         2  43 67  t2      26435 (low byte first)
         4  18 FC  t3      -1000 (low byte first)
         6  7D 8E  p1      36477 (low byte first)
         8  43 D6  p2      -10685 (low byte first)
        10  D0 0B  p3      3024 (low byte first)
        12  27 0B  p4      2855 (low byte first)
        14  8C 00  p5      140 (low byte first)
        16  F9 FF  p6      -7 (low byte first)
        18  8C 3C  p7      15500 (low byte first)
        20  F8 C6  p8      -14600 (low byte first)
        22  70 17  p9      6000 (low byte first)
        24  00     unread  no field reads it
        25  4B     h1      75

        transfer 5: written
         0  E1  write  register or command from which is read

        transfer 5: read
         0  6A 01  h2              362 (low byte first)
         2  00     h3              0
         3  13     h4_high         19
         4  29     h4_low, h5_low  h4_low: bits 0 to 3: 9
                                   h5_low: bits 4 to 7: 2
         5  03     h5_high         3
         6  1E     h6              30

        transfer 6: written
         0  F2 01 F4 25  write  what the description writes

        transfer 7: written
         0  F3  write  register or command from which is read

        transfer 7: read
         0  08  measuring, until  measuring: bit 3: 1
                                  until: measuring == 0, not so yet: it is read again

        transfer 8: written
         0  F3  write  register or command from which is read

        transfer 8: read
         0  00  measuring, until  measuring: bit 3: 0
                                  until: measuring == 0, so: it goes on

        transfer 9: written
         0  F7  write  register or command from which is read

        transfer 9: read
         0  65 5A C0  raw_p  bits 4 to 23: 415148
         3  7E ED 00  raw_t  bits 4 to 23: 519888
         6  6D 60     raw_h  28000

      h4 = h4_high * 16 + h4_low = 19 * 16 + 9 = 313
      h5 = h5_high * 16 + h5_low = 3 * 16 + 2 = 50
      t_off = raw_t / 131072 - t1 / 8192
            = 519888 / 131072 - 27504 / 8192
            = 0.6090087891
      t_fine = (raw_t / 16384 - t1 / 1024) * t2 + t_off * t_off * t3
             = (519888 / 16384 - 27504 / 1024) * 26435 + 0.6090087891 * 0.6090087891 *
               (-1000)
             = 128422.287
      a = t_fine / 2 - 64000 = 128422.287 / 2 - 64000 = 211.1435029
      b = (a * a * p6 / 32768 + a * p5 * 2) / 4 + p4 * 65536
        = (211.1435029 * 211.1435029 * (-7) / 32768 + 211.1435029 * 140 * 2) / 4 +
          2855 * 65536
        = 187120057.7
      c = (1 + (p3 * a * a / 524288 + p2 * a) / 524288 / 32768) * p1
        = (1 + (3024 * 211.1435029 * 211.1435029 / 524288 + (-10685) * 211.1435029) /
          524288 / 32768) * 36477
        = 36472.21037
      d = (1048576 - raw_p - b / 4096) * 6250 / c
        = (1048576 - 415148 - 187120057.7 / 4096) * 6250 / 36472.21037
        = 100717.8456
      pascal = d + (p9 * d * d / 2147483648 + d * p8 / 32768 + p7) / 16
             = 100717.8456 + (6000 * 100717.8456 * 100717.8456 / 2147483648 +
               100717.8456 * (-14600) / 32768 + 15500) / 16
             = 100653.2668
      e = t_fine - 76800 = 128422.287 - 76800 = 51622.28701
      f = raw_h - (h4 * 64 + h5 / 16384 * e)
        = 28000 - (313 * 64 + 50 / 16384 * 51622.28701)
        = 7810.461282
      g = f * (h2 / 65536 * (1 + h6 / 67108864 * e * (1 + h3 / 67108864 * e)))
        = 7810.461282 * (362 / 65536 * (1 + 30 / 67108864 * 51622.28701 * (1 + 0 /
          67108864 * 51622.28701)))
        = 44.1380994
      temperature = t_fine / 5120 = 128422.287 / 5120 = 25.08247793 °C
      pressure = pascal / 100 = 100653.2668 / 100 = 1006.532668 hPa
      humidity = clamp(g * (1 - h1 * g / 524288), 0, 100)
               = clamp(44.1380994 * (1 - 75 * 44.1380994 / 524288), 0, 100)
               = 43.85941119 %

      "
    `);
  });
  it("shows pulses in their formulas", async () => {
    expect(await shown("tipping-bucket")).toMatchInlineSnapshot(`
      "
      example: three tips in a minute
      3 pulses in 60 s (seconds), 103 in all (total)

      tips = total = 103
      rain = total * per_pulse = 103 * 0.2794 = 28.7782 mm
      intensity = seconds > 0 ? since * per_pulse * 3600 / seconds : 0
                = 60 > 0 ? 3 * 0.2794 * 3600 / 60 : 0
                = 50.292 mm/h

      example: a dry minute
      0 pulses in 60 s (seconds), 103 in all (total)

      tips = total = 103
      rain = total * per_pulse = 103 * 0.2 = 20.6 mm
      intensity = seconds > 0 ? since * per_pulse * 3600 / seconds : 0
                = 60 > 0 ? 0 * 0.2 * 3600 / 60 : 0
                = 0 mm/h
      "
    `);
  });

  it("keeps to 80 columns, whatever is explained", async () => {
    const { run } = bench();
    for (const name of readdirSync(join(DESCRIPTIONS, "sensors")).concat(
      readdirSync(join(DESCRIPTIONS, "testing/devices")),
    )) {
      const { out } = await run(name.replace(".yaml", ""));
      for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    }
  });

  it("speaks JSON", async () => {
    const { out } = await bench().run("pump-mk2", { bytes: GOOD, json: true });
    expect(JSON.parse(out)).toMatchObject([
      { what: ['answer to "read status"'], values: { pressure: 812.5 }, wrong: [] },
    ]);
  });

  it("exits with 1 when something is wrong with the bytes", async () => {
    const { run } = bench();
    expect((await run("pump-mk2", { bytes: GOOD })).code).toBe(0);
    expect((await run("pump-mk2", { bytes: GOOD.slice(0, 32) })).code).toBe(1);
  });

  it("says where digits are none, and which name was meant", async () => {
    const { run } = bench();
    expect(await run("pump-mk2", { bytes: "55 AX 01" })).toMatchObject({
      code: 64,
      err: expect.stringContaining("\n  55 AX 01\n     ^\n"),
    });
    expect((await run("pmup")).err).toContain('did you mean "pump"?');
    expect((await run("pump", { live: true })).err).toContain("--bytes");
  });
});

describe("bytes as people write them", () => {
  it.each(["55AA01", "55 aa 01", "0x55 0xAA,0x01", "55:AA:01", "55-AA-01"])("%s", (text) => {
    expect(bytesIn(text)).toEqual({ ok: Uint8Array.of(0x55, 0xaa, 1) });
  });
  it.each(["", "5", "55 A", "hello", "55 AA 0"])("refuses %j", (text) => {
    expect(bytesIn(text)).toHaveProperty("wrong");
  });
});

describe("a device file whose example doesn't come out yet", () => {
  const PATH = "/etc/pump-station/devices/my-gps.yaml";
  const FILE = `format: 1
type: my-gps
source: "UBX"
every: 10s
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 1s }
byte-order: little-endian
frame:
  - { part: start, bytes: "B5 62" }
  - { part: code, length: 2 }
  - { part: length, as: u16, counts: body }
  - { part: body }
  - { part: check, sum: ubx, over: code to body }
reads:
  fix: { send: "01 03", answer: "01 03", channels: { kind: { byte: 6, as: u8 } } }
examples:
  - { name: "poll", from: "computed from 32.10", read: fix, sent: "B5 62 01 03 00 00 04 0D" }
`;

  it("is explained by its path, and says at once what is meant by its bytes", async () => {
    const { run, files } = bench();
    files.write(PATH, FILE);
    const bytes = await run(PATH, { bytes: "B5 62 01 03 00 00 04 0D" });
    expect(bytes.out).toMatch(/should be 0D 04; what stands\s+here is ubx\s/);
    const desk = await run(PATH, {});
    expect(desk.err).toMatch(/sent is .* 0D 04, not .* 04 0D\n/);
  });
});
