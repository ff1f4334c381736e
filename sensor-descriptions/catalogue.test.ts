/** What every device file of the catalogue owes to whoever trusts it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { runExamples } from "./examples.ts";
import { loadDeviceType } from "./load.ts";

const FOLDER = join(import.meta.dirname, "sensors");
const catalogue = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => {
    const text = readFileSync(join(FOLDER, file), "utf8");
    return { file, text, ...loadDeviceType({ path: `sensors/${file}`, text }) };
  });
const onI2c = catalogue.filter(({ type }) => type?.kind === "i2c");

test("the catalogue knows these chips", () => {
  expect(onI2c.map(({ type }) => type?.name)).toEqual([
    "ads1115", "aht20", "am2320", "bh1750", "bme280", "bmp180", "bmp280", "bmp390", "ds3231", "ezo-ph", "hts221", "htu21d", "ina219", "lm75", "lm75b",
    "lps22hb", "mcp9808", "mlx90614", "ms5837-02ba", "ms5837-30ba", "opt3001", "scd41", "sht2x", "sht3x", "sht4x", "si7021",
    "tmp102-alert", "tmp102",
  ]); // biome-ignore format: a table
});

test("the catalogue knows these devices on serial lines and pins", () => {
  const others = catalogue.flatMap(({ type }) => (type && type.kind !== "i2c" ? [`${type.name}: ${type.kind}`] : []));
  expect(others).toEqual([
    "a02yyuw: framed", "cup-anemometer: pulses", "davis-6410: pulses", "davis-vantage: framed", "door-contact: levels", "float-switch: levels",
    "flow-meter: pulses", "gill-windsonic: lines", "lcj-cv7: lines", "mh-z19b: framed", "nmea-wind: lines", "pms5003: framed", "pzem-004t: modbus-rtu",
    "pzem-017: modbus-rtu", "relay: outputs", "sdm120: modbus-rtu", "sdm630: modbus-rtu", "sensecap-s700: modbus-rtu", "sps30: framed", "tipping-bucket: pulses", "victron-mppt: lines", "xy-md02: modbus-rtu",
  ]);
}); // biome-ignore format: a table

describe.each(catalogue)("$file", ({ type, text, problems }) => {
  const lines = text.split("\n");

  it("loads without a problem and says where its facts are from", () => {
    expect(problems).toEqual([]);
    expect(type?.source.length).toBeGreaterThan(10);
    expect(lines[0]).toMatch(/^# /);
  });

  it("shows at least two examples that come out, each with its origin and with every channel", () => {
    if (!type) throw new Error("not loaded");
    expect(type.examples.length).toBeGreaterThanOrEqual(2);
    expect(runExamples(type).flatMap(({ failures }) => failures)).toEqual([]);
    for (const example of type.examples) {
      expect(example.from).toMatch(/^(datasheet|computed from|capture) \S|^datasheet, \S/);
      const isReading = example.shows.kind === "transfers" || example.shows.kind === "pulses";
      if (isReading) expect([...example.gives.keys()]).toEqual(type.channels.map(({ name }) => name));
    }
  });

  it("tells a technician what each need is", () => {
    const isSerial = type?.kind === "framed" || type?.kind === "lines" || type?.kind === "modbus-rtu";
    for (const name of type?.needs.keys() ?? []) {
      // On a serial line the address is a number set in the device, not a wire.
      if (isSerial && name === "address") continue;
      const at = lines.findIndex((line) => line.startsWith(`  ${name}:`));
      const said = [lines[at - 1], lines[at]].join("\n");
      expect(said, name).toMatch(/#|\bnote:/);
    }
  });
});

describe.each(onI2c)("$file on the bus", ({ type }) => {
  it("names its addresses, of which the first is the one without a wire moved or the module's own", () => {
    const address = type?.needs.get("address");
    expect(address?.oneOf?.length).toBeGreaterThan(0);
    expect(address?.oneOf).toContain(address?.default);
  });

  it("reads no more at once than every adapter can", () => {
    const protocol = type?.protocol(
      new Map([
        ["shunt", 0.1],
        ["input-range", 1],
      ]),
    );
    expect(protocol?.kind === "i2c" && protocol.readLengthMax).toBeLessThanOrEqual(32);
  });
});
