import { expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";
import { formatProblems } from "../problems.ts";
import { RTU } from "./modbus-rtu.ts";

/**
 * Requests and answers as the tables of Modbus Application Protocol V1.1b3 print them, for address 17, with CRC and
 * LRC. Examples run in both directions: our request, our reading of the answer, the device's reading and answer.
 */
const PRINTED = `format: 1
type: printed
source: "Modbus application protocol V1.1b3"
protocol: modbus-rtu
every: 10s
needs:
  address: { kind: whole-number, default: 17 }
serial: { speed: 9600, mode: 8E1 }
timing: { answer-within: 200ms }
reads:
  coils:
    registers: coil 19 to 37
    channels:
      coil-20: { register: 19 }
      coils-27-to-30: { register: 26 to 29 }
      coil-37: { register: 36 }
  inputs:
    registers: discrete 196 to 217
    channels:
      inputs-197-to-204: { register: 196 to 203 }
      inputs-212-to-218: { register: 211 to 217 }
  registers:
    registers: holding 107 to 109
    channels:
      register-108: { register: 107, as: u16 }
      register-110: { register: 109, as: u16 }
  input-nine:
    registers: input 8
    channels:
      input-9: { register: 8, as: u16 }
  both:
    registers: holding 3 to 8
    write-first: { registers: holding 14 to 16, value: [0x00FF, 0x00FF, 0x00FF] }
    channels:
      register-4: { register: 3, as: u16 }
      register-5: { register: 4, as: u16 }
      register-9: { register: 8, as: u16 }
  others:
    registers: holding 1 to 2
    channels:
      register-2: { register: 1, as: u16 }
      both-words: { register: 1, as: u32 }
settings:
  coil-173: { write: coil 172, read-back: coil-20, range: 0 to 1 }
  coils-20-to-29: { write: coil 19 to 28, read-back: coils-27-to-30, range: 0 to 1023 }
  register-2: { write: holding 1, read-back: register-2, range: 0 to 65535 }
  registers-2-and-3: { write: holding 1 to 2, read-back: both-words, range: 0 to 4294967295 }
  forced: { write: holding 1, with: 16, read-back: register-2, range: 0 to 65535 }
  alone: { write: coil 172, with: 15, read-back: coil-20, range: 0 to 1 }
  at-once: { write: holding 14, with: 23, read-back: register-4, range: 0 to 65535 }
commands:
  coil-on: { write: coil 172, value: 1 }
  ten-coils: { write: coil 19 to 28, value: [1, 0, 1, 1, 0, 0, 1, 1, 1, 0] }
  three: { write: holding 1, value: 3 }
  two-registers: { write: holding 1 to 2, value: [0x000A, 0x0102] }
  all-on: { write: coil 172, value: 1, broadcast: true }
examples:
  - name: "6.1 Read Coils"
    read: coils
    sent:   "11 01 00 13 00 13 8E 92"
    answer: "11 01 03 CD 6B 05 40 12"
    gives: { coil-20: 1, coils-27-to-30: 7, coil-37: 0 }
  - name: "6.2 Read Discrete Inputs"
    read: inputs
    sent:   "11 02 00 C4 00 16 BA A9"
    answer: "11 02 03 AC DB 35 20 18"
    gives: { inputs-197-to-204: 172, inputs-212-to-218: 107 }
  - name: "6.3 Read Holding Registers"
    read: registers
    sent:   "11 03 00 6B 00 03 76 87"
    answer: "11 03 06 02 2B 00 00 00 64 C8 BA"
    gives: { register-108: 555, register-110: 100 }
  - name: "6.4 Read Input Registers"
    read: input-nine
    sent:   "11 04 00 08 00 01 B2 98"
    answer: "11 04 02 00 0A F8 F4"
    gives: { input-9: 10 }
  - name: "6.5 Write Single Coil"
    command: coil-on
    sent:   "11 05 00 AC FF 00 4E 8B"
    answer: "11 05 00 AC FF 00 4E 8B"
  - name: "6.5, as a setting"
    set: { coil-173: 1 }
    sent:   "11 05 00 AC FF 00 4E 8B"
  - name: "6.6 Write Single Register"
    command: three
    sent:   "11 06 00 01 00 03 9A 9B"
    answer: "11 06 00 01 00 03 9A 9B"
  - name: "6.6, as a setting"
    set: { register-2: 3 }
    sent:   "11 06 00 01 00 03 9A 9B"
  - name: "6.11 Write Multiple Coils"
    command: ten-coils
    sent:   "11 0F 00 13 00 0A 02 CD 01 BF 0B"
    answer: "11 0F 00 13 00 0A 26 99"
  - name: "6.11, as a setting"
    set: { coils-20-to-29: 0x1CD }
    sent:   "11 0F 00 13 00 0A 02 CD 01 BF 0B"
  - name: "6.11 for one coil"
    set: { alone: 1 }
    sent:   "11 0F 00 AC 00 01 01 01 7E 43"
    answer: "11 0F 00 AC 00 01 56 BA"
  - name: "6.12 Write Multiple registers"
    command: two-registers
    sent:   "11 10 00 01 00 02 04 00 0A 01 02 C6 F0"
    answer: "11 10 00 01 00 02 12 98"
  - name: "6.12, as a setting of 32 bits"
    set: { registers-2-and-3: 0x000A0102 }
    sent:   "11 10 00 01 00 02 04 00 0A 01 02 C6 F0"
  - name: "6.12 for one register"
    set: { forced: 3 }
    sent:   "11 10 00 01 00 01 02 00 03 2A 40"
    answer: "11 10 00 01 00 01 52 99"
  - name: "6.17 Read/Write Multiple registers"
    read: both
    sent:   "11 17 00 03 00 06 00 0E 00 03 06 00 FF 00 FF 00 FF 4B 54"
    answer: "11 17 0C 00 FE 0A CD 00 01 00 03 00 0D 00 FF 0D 75"
    gives: { register-4: 254, register-5: 2765, register-9: 255 }
  - name: "6.17, a setting read back in its own answer"
    set: { at-once: 255 }
    sent:   "11 17 00 03 00 01 00 0E 00 01 02 00 FF DB 5F"
    answer: "11 17 02 00 FF 3C 37"
    gives: { register-4: 255 }
  - name: "7 an exception: illegal data address"
    read: coils
    answer: "11 81 02 C0 54"
    refused: 2
  - name: "serial line 1.02, 2.1: to everybody"
    command: all-on
    sent:   "00 05 00 AC FF 00 4D CA"
`;

const told = (text: string) =>
  formatProblems(loadDeviceType({ path: "printed.yaml", text }).problems, () => text, { colour: false });

it("requests and answers are those that the specification prints, both ways", () => {
  expect(told(PRINTED)).toBe("");
});

it("each printed byte counts", () => {
  const bytes = [...PRINTED.matchAll(/(?:sent|answer): +"([^"]+)"/g)];
  expect(bytes.length).toBeGreaterThan(25);
  for (const found of bytes) {
    const at = (found.index ?? 0) + found[0].length - 3;
    const flipped = PRINTED[at] === "0" ? "1" : "0";
    expect(told(PRINTED.slice(0, at) + flipped + PRINTED.slice(at + 1))).toContain("D602");
  }
});

it("the same PDUs travel in Modbus ASCII, with 7 bits", () => {
  // The request of 6.3 as ASCII: ":1103006B00037E" (serial line V1.02, 2.5.2, 6.2.1).
  const ascii = PRINTED.replace("modbus-rtu", "modbus-ascii")
    .replace("8E1", "7E1")
    .replace(/(sent|answer)(: +)"([^"]+)"/g, (_, key: string, space: string, hex: string) => {
      const content = hex.split(" ").slice(0, -2).join("");
      const sum = (content.match(/../g) ?? []).reduce((all, byte) => all + Number.parseInt(byte, 16), 0);
      const line = `:${content}${((256 - (sum % 256)) % 256).toString(16).toUpperCase().padStart(2, "0")}\r\n`;
      return `${key}${space}"${Buffer.from(line, "latin1")
        .toString("hex")
        .replace(/..(?!$)/g, "$& ")}"`;
    });
  expect(ascii).toContain(
    Buffer.from(":1103006B00037E\r\n")
      .toString("hex")
      .replace(/..(?!$)/g, "$& "),
  );
  expect(told(ascii)).toBe("");
});

it("the CRC is that of serial line V1.02, appendix B: 02 07 becomes 02 07 41 12", () => {
  expect([...RTU.frame(Uint8Array.of(0x02, 0x07))]).toEqual([0x02, 0x07, 0x41, 0x12]);
});
