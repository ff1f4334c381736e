/** The checks of the language once more, written as their definitions say, bit by bit: not the code that is under test. */
import { CRC_CATALOGUE } from "../checksum/crc-catalogue.ts";
import type { CheckSpec } from "../spec.ts";

export function referenceCheck(check: CheckSpec, data: readonly number[]): bigint {
  if (check.kind === "crc") return crc(check.name, data);
  const total = data.reduce((sum, byte) => sum + byte, 0);
  const [first, second] = runningSums(data);
  switch (check.kind) {
    case "sum8":
      return BigInt(total % 256);
    case "sum16":
      return BigInt(total % 65_536);
    case "sum32":
      return BigInt(total);
    case "ones8":
      return BigInt(255 - (total % 256));
    case "ones16":
      return BigInt(65_535 - (total % 65_536));
    case "lrc8":
      return BigInt((256 - (total % 256)) % 256);
    case "twos16":
      return BigInt((65_536 - (total % 65_536)) % 65_536);
    case "xor8":
      return BigInt(data.reduce((folded, byte) => folded ^ byte, 0));
    case "fletcher16":
      return BigInt((second % 255) * 256 + (first % 255));
    default:
      throw new Error(`${check.kind}: nobody has written it a second time`);
  }
}

function runningSums(data: readonly number[]): [number, number] {
  let [first, second] = [0, 0];
  for (const byte of data) {
    first += byte;
    second += first;
  }
  return [first, second];
}

/** Long division over the message's bits. */
function crc(name: string, data: readonly number[]): bigint {
  const known = CRC_CATALOGUE.get(name);
  if (known === undefined) throw new Error(`${name}: not in the catalogue`);
  const { width, polynomial, init, order, xorOut } = known;
  const top = 2 ** (width - 1);
  const isReflected = order === "reflected";
  let register = init;
  for (const byte of data) {
    for (let i = 0; i < 8; i++) {
      const bit = (byte >> (isReflected ? i : 7 - i)) & 1;
      const isOut = (register >= top ? 1 : 0) !== bit;
      register = (register * 2) % 2 ** width;
      if (isOut) register = (register ^ polynomial) >>> 0;
    }
  }
  const bits = register.toString(2).padStart(width, "0");
  const turned = isReflected ? Number.parseInt([...bits].reverse().join(""), 2) : register;
  return BigInt((turned ^ xorOut) >>> 0);
}
