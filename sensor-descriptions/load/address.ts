/** I2C addresses: `i2cdetect` prints them in hexadecimal without saying so, so a bare 76 is asked about. */
import { say } from "../messages.ts";
import { type Reading, readWhole } from "../quantities.ts";
import { type Need, readNeed } from "./needs.ts";

const hex = (value: number): string => `0x${value.toString(16).padStart(2, "0")}`;

/** 7-bit addresses (UM10204 3.1.12 keeps 0x00–0x07 and 0x78–0x7F for itself). */
const isAddress = (value: number): boolean => value >= 0x08 && value <= 0x77;

export function readAddress(need: Need, text: string): Reading<number> {
  if (/^[0-9a-fA-F]{2}$/.test(text) && !/^\d+$/.test(text)) return { said: say.hexWithoutPrefix(text) };
  if (/^\d{1,2}$/.test(text)) return { said: ambiguous(need, text) };
  const reading = readWhole(text);
  if ("said" in reading) return reading;
  if (!isAddress(reading.ok)) return { said: say.reservedAddress(text) };
  return need.oneOf && !need.oneOf.includes(reading.ok)
    ? { said: say.notOneOf(text, need.oneOf.map(hex)) }
    : readNeed(need, text);
}

function ambiguous(need: Need, text: string) {
  const [asDecimal, asHex] = [Number.parseInt(text, 10), Number.parseInt(text, 16)];
  const allows = (value: number): boolean => isAddress(value) && (need.oneOf?.includes(value) ?? true);
  const [isDecimal, isHex] = [allows(asDecimal), allows(asHex)];
  const likely = isDecimal === isHex ? undefined : hex(isDecimal ? asDecimal : asHex);
  return say.ambiguousAddress(text, hex(asDecimal), hex(asHex), likely);
}
