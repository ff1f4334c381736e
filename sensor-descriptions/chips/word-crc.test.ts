/** SHT3x, SCD41, HTU21D and its kin, AHT20: commands, and answers with a CRC. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChipModel, crc8, createChipBench, wordWithCrc } from "../testing/chip-bench.ts";

interface Command {
  readonly code: string;
  /** Busy this long: it acknowledges nothing meanwhile. */
  readonly busyMs: number;
  readonly answers?: () => readonly number[];
  /** The answer stays from an earlier command. */
  readonly fetches?: boolean;
}

/** Not acknowledged: a command that it doesn't know, anything while it is busy, a read when there is nothing to say. */
function commandedChip(commands: readonly Command[]): ChipModel {
  let busyUntilMs = 0;
  let measured: readonly number[] | undefined;
  let answer: readonly number[] | undefined;
  return {
    transfer: (write, readLength, nowMs) => {
      if (nowMs < busyUntilMs) return undefined;
      if (write.length > 0) {
        const command = commands.find(({ code }) => code === Buffer.from(write).toString("hex"));
        if (!command) return undefined;
        busyUntilMs = nowMs + command.busyMs;
        if (command.fetches) [answer, measured] = [measured, undefined];
        else [answer, measured] = [undefined, command.answers?.()];
      }
      if (readLength === 0) return new Uint8Array();
      if (nowMs < busyUntilMs) return undefined;
      const bytes = answer ?? measured;
      [answer, measured] = [undefined, undefined];
      return bytes && Uint8Array.from({ length: readLength }, (_, at) => bytes[at] ?? 0xff);
    },
  };
}

/** Datasheet SHT3x-DIS: soft reset 1.5 ms, high repeatability 15.5 ms at most. */
const sht3x = (answer: () => readonly number[]) =>
  commandedChip([
    { code: "3093", busyMs: 1 },
    { code: "30a2", busyMs: 1.5 },
    { code: "2400", busyMs: 15.5, answers: answer },
  ]);

/** Datasheet SCD4x 3.4: stop 500 ms, single shot 5 s, read 1 ms. */
const scd41 = (answer: () => readonly number[]) =>
  commandedChip([
    { code: "3f86", busyMs: 500 },
    { code: "219d", busyMs: 5000, answers: answer },
    { code: "ec05", busyMs: 1, fetches: true },
  ]);

const word = fc.nat(65_535);

test("an SHT3x gives the temperature and humidity of any two words", () => {
  const bench = createChipBench("sht3x");
  fc.assert(
    fc.property(word, word, (t, h) => {
      const values = bench.read(sht3x(() => [...wordWithCrc(t), ...wordWithCrc(h)]));
      expect(values.get("temperature")).toBeCloseTo((t / 65_535) * 175 - 45, 9);
      expect(values.get("humidity")).toBeCloseTo((h / 65_535) * 100, 9);
    }),
    { numRuns: 500 },
  );
});

test("an SCD41 gives carbon dioxide, temperature and humidity of any three words", () => {
  const bench = createChipBench("scd41");
  fc.assert(
    fc.property(word, word, word, (co2, t, h) => {
      const values = bench.read(scd41(() => [co2, t, h].flatMap(wordWithCrc)));
      expect(values.get("co2")).toBe(co2);
      expect(values.get("temperature")).toBeCloseTo((t / 65_535) * 175 - 45, 9);
      expect(values.get("humidity")).toBeCloseTo((h / 65_535) * 100, 9);
    }),
    { numRuns: 500 },
  );
});

/** Longest times in ms of reset, temperature and humidity by their datasheets; the CRC begins with 0. */
const OF_ONE_FAMILY = [
  { type: "htu21d", resetMs: 15, temperatureMs: 50, humidityMs: 16 },
  { type: "sht2x", resetMs: 15, temperatureMs: 85, humidityMs: 29 },
  { type: "si7021", resetMs: 15, temperatureMs: 10.8, humidityMs: 12 + 10.8 },
];

/** x^8 + x^5 + x^4 + 1 from 0, by division as the HTU21D datasheet draws it. */
function remainder(word: number): number {
  let rest = word * 256;
  for (let bit = 23; bit >= 8; bit--) if (Math.floor(rest / 2 ** bit) % 2 === 1) rest ^= 0x131 << (bit - 8);
  return rest;
}

test("the datasheet's words have the datasheet's remainders", () => {
  expect([0x683a, 0x4e85].map(remainder)).toEqual([0x7c, 0x6b]);
});

test.each(OF_ONE_FAMILY)("a $type gives any two words without their status bits", (chip) => {
  const bench = createChipBench(chip.type);
  const bytesOf = (value: number) => [value >> 8, value & 0xff, remainder(value)];
  fc.assert(
    fc.property(word, word, (t, h) => {
      const values = bench.read(
        commandedChip([
          { code: "fe", busyMs: chip.resetMs },
          { code: "f3", busyMs: chip.temperatureMs, answers: () => bytesOf(t) },
          { code: "f5", busyMs: chip.humidityMs, answers: () => bytesOf(h) },
        ]),
      );
      expect(values.get("temperature")).toBeCloseTo(-46.85 + (175.72 * (t - (t % 4))) / 65_536, 9);
      const percent = -6 + (125 * (h - (h % 4))) / 65_536;
      expect(values.get("humidity")).toBeCloseTo(Math.min(100, Math.max(0, percent)), 9);
    }),
    { numRuns: 300 },
  );
});

/**
 * AHT20 manual: a plain read gives the status first; bit 7 busy, bit 3 calibrated: from the factory, or once BE 08 00
 * was sent. It answers 100 ms after power came.
 */
function aht20(
  humidity: number,
  temperature: number,
  { isNew = false, spoil = () => {} }: { isNew?: boolean; spoil?: (answer: number[]) => void } = {},
): ChipModel {
  let isCalibrated = isNew;
  let busyUntilMs = 0;
  let data = [0x80, 0, 0, 0, 0];
  return {
    transfer: (write, readLength, nowMs) => {
      if (nowMs < 100) return undefined;
      const isBusy = nowMs < busyUntilMs;
      const code = Buffer.from(write).toString("hex");
      if (code === "be0800" && !isBusy) [isCalibrated, busyUntilMs] = [true, nowMs + 10];
      else if (code === "ac3300" && !isBusy) {
        busyUntilMs = nowMs + 95;
        const all = humidity * 2 ** 20 + temperature;
        data = [32, 24, 16, 8, 0].map((power) => Math.floor(all / 2 ** power) & 0xff);
      } else if (write.length > 0) return undefined;
      const head = (isBusy ? 0x80 : 0) | (isCalibrated ? 0x18 : 0x10);
      const answer = [head, ...data];
      answer.push(crc8(answer));
      spoil(answer);
      return Uint8Array.from(answer.slice(0, readLength));
    },
  };
}

test("an AHT20 gives any 20 bits of humidity and of temperature, also when it is slow", () => {
  const bench = createChipBench("aht20");
  fc.assert(
    fc.property(fc.nat(2 ** 20 - 1), fc.nat(2 ** 20 - 1), fc.boolean(), (h, t, isNew) => {
      const values = bench.read(aht20(h, t, { isNew }));
      expect(values.get("temperature")).toBeCloseTo((t * 200) / 2 ** 20 - 50, 9);
      expect(values.get("humidity")).toBeCloseTo((h * 100) / 2 ** 20, 9);
    }),
    { numRuns: 500 },
  );
});

test("one wrong bit anywhere in an answer is noticed", () => {
  const [sht3xBench, aht20Bench] = [createChipBench("sht3x"), createChipBench("aht20")];
  const flipped = fc.record({ byte: fc.nat(5), bit: fc.nat(7) });
  const isChecksum = expect.objectContaining({ reason: "checksum" });
  fc.assert(
    fc.property(word, word, flipped, (t, h, { byte, bit }) => {
      const spoilt = (bytes: number[]) => bytes.map((value, at) => (at === byte ? value ^ (1 << bit) : value));
      const sht = sht3x(() => spoilt([...wordWithCrc(t), ...wordWithCrc(h)]));
      expect(() => sht3xBench.read(sht)).toThrowError(isChecksum);
      // The status byte alone decides when it is ready; the rest only comes with the whole answer.
      const spoil = (answer: number[]) => (answer[1 + byte] = (answer[1 + byte] ?? 0) ^ (1 << bit));
      const aht = aht20(h * 16, t * 16, { spoil });
      expect(() => aht20Bench.read(aht)).toThrowError(isChecksum);
    }),
    { numRuns: 200 },
  );
});
