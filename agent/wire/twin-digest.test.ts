import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { twinDigest } from "./twin-digest.ts";
import type { JsonObject } from "./twin-document.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);

describe("the digest", () => {
  it("is of these bytes for ever: clouds compute it in their own languages", () => {
    expect(twinDigest({})).toBe("e3b0c44298fc");
    const desired = {
      $version: 7,
      upload: { windows: "sat sun 02:30-05:00" },
      devices: { pump: { target: 900, every: 60 } },
    };
    const answers: Record<string, number> = { "devices/pump/target": 202 };
    const text = 'devices/pump/every=60\ndevices/pump/target=!202\nupload/windows="sat sun 02:30-05:00"\n';
    expect(twinDigest(desired, (path) => answers[path] ?? 200)).toBe(sha(text));
    expect(sha(text)).toBe("db13d8207b1a");
  });

  it("sorts by bytes, writes numbers as ECMAScript does, arrays whole, and skips nulls and the cloud's own keys", () => {
    const desired = {
      b: 0.1,
      a: { "z-1": 1e21, z: 60.0 },
      B: "ü\n",
      list: [1, { y: 2, x: null }],
      gone: null,
      $metadata: { a: 1 },
    };
    expect(twinDigest(desired)).toBe(sha('B="ü\\n"\na/z-1=1e+21\na/z=60\nb=0.1\nlist=[1,{"x":null,"y":2}]\n'));
  });

  it("is the same whatever the order of keys, and another for any other value or answer", () => {
    const values = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.oneof(fc.integer(), fc.string(), fc.boolean()));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("x", "y"), values, { minKeys: 1 }), (document) => {
        const turned = Object.fromEntries(
          Object.entries(document)
            .reverse()
            .map(([key, inner]) => [key, Object.fromEntries(Object.entries(inner).reverse())]),
        );
        expect(twinDigest(turned as JsonObject)).toBe(twinDigest(document));
        for (const [key, inner] of Object.entries(document)) {
          for (const name of Object.keys(inner)) {
            const other = { ...document, [key]: { ...inner, [name]: "other value" } };
            expect(twinDigest(other)).not.toBe(twinDigest(document));
            expect(twinDigest(document, (path) => (path === `${key}/${name}` ? 400 : 200))).not.toBe(
              twinDigest(document),
            );
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
