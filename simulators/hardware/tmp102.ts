/**
 * A TMP102 by its registers (TI SBOS397C). The first byte written is the pointer, which stays; two bytes after it go into
 * the register, most significant first.
 *
 *   00  temperature, bits 15 to 4, 0.0625 °C a step, 0 °C until the first conversion is done (26 ms, at most 35 ms)
 *   01  configuration: 60A0 after power on; bit 10 (POL) turns ALERT round, bit 5 reads the alert
 *   02  T(LOW)   75 °C after power on     ALERT goes when it is colder than this
 *   03  T(HIGH)  80 °C after power on     ALERT comes when it is as warm as this
 */
import type { ChipDeps, I2cChip } from "./i2c-chip.ts";

const CONVERSION_MS = 26;
const POLARITY = 0x0400;
const ALERT = 0x0020;

export function createTmp102(deps: ChipDeps): I2cChip {
  const poweredMs = deps.nowMs();
  let pointer = 0;
  let isAlert = false;
  const written = [0, 0x60a0, wordFrom(75), wordFrom(80)];

  const temperature = (): number => {
    if (deps.nowMs() - poweredMs < CONVERSION_MS) return 0;
    const air = deps.air();
    deps.onEvent?.({ did: "read", air });
    return wordFrom(air.temperatureC);
  };
  const configuration = (): number => {
    const temperatureC = celsiusFrom(temperature());
    if (temperatureC >= celsiusFrom(written[3] ?? 0)) isAlert = true;
    else if (temperatureC < celsiusFrom(written[2] ?? 0)) isAlert = false;
    const all = (written[1] ?? 0) & ~ALERT;
    // The bit is 0 during an alert, unless the polarity is turned round.
    return isAlert === ((all & POLARITY) !== 0) ? all | ALERT : all;
  };

  return {
    transfer: (write, readLength) => {
      if (write[0] !== undefined) pointer = write[0] & 3;
      if (write.length >= 3 && pointer !== 0) written[pointer] = ((write[1] ?? 0) << 8) | (write[2] ?? 0);
      if (readLength === 0) return new Uint8Array();
      const word = pointer === 0 ? temperature() : pointer === 1 ? configuration() : (written[pointer] ?? 0);
      return Uint8Array.of(word >> 8, word & 0xff).slice(0, readLength);
    },
  };
}

/** 12 bits, two's complement, moved up by four; cropped at -128 and 127.9375 °C. */
const wordFrom = (celsius: number): number => (Math.min(2047, Math.max(-2048, Math.round(celsius * 16))) << 4) & 0xffff;

const celsiusFrom = (word: number): number => ((word << 16) >> 20) / 16;
