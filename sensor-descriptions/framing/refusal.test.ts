import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";
import { codeIn, isRefusal, type RefusalSpec, refusalBytes } from "./refusal.ts";

const text = readFileSync(join(import.meta.dirname, "../testing/devices/refusal-any.yaml"), "utf8");

it("a refusal is known by its constant bytes, whatever stands at the others, and tells its code", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const looks = fc.array(fc.option(byte, { nil: undefined }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(looks, fc.nat(), byte, byte, (bytes, place, code, any) => {
      const spec: RefusalSpec = { bytes: [0xff, ...bytes, undefined], codeAt: bytes.length + 1, isCodeOptional: false };
      const body = refusalBytes(spec, code);
      expect(isRefusal(spec, body, 0, body.length)).toBe(true);
      expect(codeIn(spec, body, 0, body.length)).toBe(code);
      expect(isRefusal(spec, body, 0, body.length - 1)).toBe(false);
      const at = place % body.length;
      const changed = body.slice();
      changed[at] = any;
      const mayBe = spec.bytes[at] === undefined || spec.bytes[at] === any;
      expect(isRefusal(spec, changed, 0, changed.length)).toBe(mayBe);
    }),
    { numRuns: 2_000 },
  );
});

it.each([
  "??",
  "{code}",
  "?? {code}",
  "F? {code}",
  "FF {code} {code}",
  "FF {cod}",
])("a refusal that looks like %j is told at its line", (look) => {
  const file = text.replace(/^refusal: .*$/m, `refusal: "${look}"`);
  const { problems } = loadDeviceType({ path: "refusal-any.yaml", text: file });
  const [first] = problems.filter(({ severity }) => severity === "error");
  expect(first?.code).toBe("D128");
  expect(file.split("\n")[(first?.line ?? 0) - 1]).toMatch(/^refusal:/);
});

it("a refusal that repeats what was sent refuses only the request that it repeats, whatever that was", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const spec: RefusalSpec = { bytes: ["sent", undefined], codeAt: 1, isCodeOptional: false };
  fc.assert(
    fc.property(byte, byte, byte, (sent, other, code) => {
      const body = refusalBytes(spec, code, Uint8Array.of(sent, 1, 2));
      expect([...body]).toEqual([sent, code]);
      expect(isRefusal(spec, body, 0, 2, Uint8Array.of(sent))).toBe(true);
      expect(isRefusal(spec, body, 0, 2, Uint8Array.of(other))).toBe(sent === other);
      expect(codeIn(spec, body, 0, 2)).toBe(code);
    }),
    { numRuns: 1_000 },
  );
});
