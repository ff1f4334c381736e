import fc from "fast-check";
import { expect, test } from "vitest";
import { createPacketGuard } from "./packet-guard.ts";

const packet = (length: number): number[] => {
  const header = [0x30];
  let rest = length;
  do {
    header.push((rest % 128) | (rest > 127 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return [...header, ...new Array<number>(length).fill(0xff)];
};

test("packets up to the limit pass, in whatever portions they arrive", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 })), fc.integer({ min: 1, max: 64 }), (lengths, portion) => {
      const guard = createPacketGuard(300);
      const bytes = Uint8Array.from(lengths.flatMap(packet));
      for (let at = 0; at < bytes.length; at += portion)
        expect(guard.passes(bytes.subarray(at, at + portion))).toBe(true);
    }),
  );
});

test("a packet beyond the limit is stopped by its header, before its body", () => {
  for (const portion of [1, 100]) {
    const guard = createPacketGuard(300);
    const bytes = Uint8Array.from([...packet(300), ...packet(301).slice(0, 3)]);
    const passes: boolean[] = [];
    for (let at = 0; at < bytes.length; at += portion) passes.push(guard.passes(bytes.subarray(at, at + portion)));
    expect(passes.at(-1)).toBe(false);
    expect(passes.indexOf(false)).toBe(passes.length - 1);
  }
});

test("a length of more than four bytes is stopped", () => {
  expect(createPacketGuard(300).passes(Uint8Array.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBe(false);
});
