/** Each byte as two letters, the upper half first: "1F" for 0x1F (Modbus ASCII: Modbus over Serial Line V1.02, 2.5.2). */
import { BAD_UNIT, type ByteUnits, NEED_UNIT } from "./byte-wrapping.ts";
import { hexDigit, hexDigits } from "./hex-digits.ts";

export const hexPairs: ByteUnits = {
  next: (data, at, end) => {
    const upper = hexDigit(data[at] as number);
    if (upper < 0) return BAD_UNIT;
    if (at + 1 >= end) return NEED_UNIT;
    const lower = hexDigit(data[at + 1] as number);
    return lower < 0 ? BAD_UNIT : 512 + upper * 16 + lower;
  },
  put: (byte, to) => {
    const digits = hexDigits(byte, 2);
    to.push(digits.charCodeAt(0), digits.charCodeAt(1));
  },
};
