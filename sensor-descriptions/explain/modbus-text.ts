/** What is in the way of a Modbus frame, in words. */
import { createChecksum } from "../checksum/checksum.ts";
import { NEED_MORE } from "../framing/frame-scanner.ts";
import { answerSizeAt, FUNCTION_NAMES, REFUSED, requestSizeAt } from "../modbus/modbus-frame.ts";

/** `bytes`: address, PDU and a check of `checkBytes`, or what is left of them. */
export function contentText(address: number, bytes: Uint8Array, checkBytes: number): string {
  const [first, code] = bytes;
  if (first === undefined || code === undefined) return "address and function are the least, and a check behind them";
  if (first !== address) return `begins with ${first}, this device is address ${address}`;
  if (!FUNCTION_NAMES.has(code > REFUSED ? code - REFUSED : code)) return `function ${code} is none that is known here`;
  const sizes = [answerSizeAt(bytes, 0, bytes.length), requestSizeAt(bytes, 0, bytes.length)].filter(
    (size) => size > NEED_MORE,
  );
  const wanted = [...new Set(sizes)].map((size) => size + checkBytes).filter((size) => size !== bytes.length);
  if (wanted.length === 0) return "it ends before it says how long it is";
  return `here are ${bytes.length} bytes, and it has to have ${wanted.join(" (answer) or ")}${wanted.length > 1 ? " (request)" : ""}`;
}

/** What stands there instead, when that is a known mistake. */
export function checkNote(content: Uint8Array, check: Uint8Array, wanted: Uint8Array): string {
  if (check.length < 2) return "";
  if (check[0] === wanted[1] && check[1] === wanted[0])
    return "; what stands here is the same with its high byte first";
  const found = (check[0] as number) | ((check[1] as number) << 8);
  const other = ["CRC-16/ARC", "CRC-16/XMODEM", "CRC-16/IBM-3740", "CRC-16/KERMIT"].find(
    (name) => createChecksum({ kind: "crc", name }).of(content) === found,
  );
  return other === undefined ? "" : `; what stands here is ${other}`;
}
