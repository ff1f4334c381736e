/** The number that the board's maker gave it, for whoever keeps an account of boards. */
import { readFileSync } from "node:fs";

/** Device tree (ARM boards), then DMI, which root alone may read; last the identity of this installation. */
const PLACES = ["/proc/device-tree/serial-number", "/sys/class/dmi/id/product_serial", "/etc/machine-id"];
const LENGTH_MAX = 128;

/** "unknown" when there is none. */
export function boardSerial(root = ""): string {
  for (const place of PLACES) {
    const text = textIn(`${root}${place}`);
    if (text !== "") return text;
  }
  return "unknown";
}

/** Device trees end their texts with a zero byte. */
function textIn(path: string): string {
  try {
    return readFileSync(path, "utf8")
      .replaceAll(/[^\x21-\x7e]/g, "")
      .slice(0, LENGTH_MAX);
  } catch {
    return "";
  }
}
