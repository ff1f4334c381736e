import fc from "fast-check";
import { expect, it } from "vitest";
import type { Json } from "../wire/twin-document.ts";
import { lineDifference } from "./line-difference.ts";
import { readWanted, UpdateRefused } from "./wanted.ts";

const SIGNATURE = `untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==
`;
const GOOD = { url: "https://x.example/a?sig=1", sha256: "a".repeat(64), signature: SIGNATURE, "based-on": "none" };

it("a desired description is read with its optional parts, and a null is a part that isn't there", () => {
  expect(readWanted({ ...GOOD, hash: null, urgent: true }, false)).toMatchObject({ isUrgent: true, basedOn: "none" });
  expect(readWanted({ ...GOOD, hash: null }, false)).not.toHaveProperty("hash");
  expect(readWanted({ ...GOOD, url: "http://x.example/" }, true).url).toBe("http://x.example/");
});

it("another address of the same is the same; another base or signature isn't", () => {
  const { id } = readWanted(GOOD, false);
  expect(readWanted({ ...GOOD, url: "https://y.example/b" }, false).id).toBe(id);
  expect(readWanted({ ...GOOD, "based-on": "b".repeat(64) }, false).id).not.toBe(id);
});

it("whatever is desired, it is read or refused with words that fit an acknowledgement", () => {
  const part = fc.oneof(fc.constantFrom<Json>(...Object.values(GOOD)), fc.jsonValue() as fc.Arbitrary<Json>);
  const record = fc.record(
    { url: part, sha256: part, signature: part, "based-on": part, urgent: part },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue() as fc.Arbitrary<Json>, record as fc.Arbitrary<Json>),
      fc.boolean(),
      (desired, isPlain) => {
        try {
          expect(readWanted(desired, isPlain).url).toMatch(/^https?:/);
        } catch (error) {
          expect(error).toBeInstanceOf(UpdateRefused);
          expect((error as Error).message.length).toBeLessThan(300);
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

it("a difference line by line leads from one text to the other", () => {
  const lines = fc.array(fc.constantFrom("a", "b", "c", "  every: 10s"), { maxLength: 12 });
  fc.assert(
    fc.property(lines, lines, (one, other) => {
      const said = lineDifference(one.join("\n"), other.join("\n"));
      const of = (marks: string): string[] =>
        said.filter((line) => marks.includes(line[0] ?? "")).map((line) => line.slice(1));
      // Within three lines of a change nothing is left out of texts as short as these, unless "…" says so.
      if (said.length === 0) expect(one.join("\n")).toBe(other.join("\n"));
      else if (!said.includes("…")) {
        expect(one.join("\n").endsWith(of(" -").join("\n")) || one.join("\n").includes(of(" -").join("\n"))).toBe(true);
        expect(other.join("\n")).toContain(of(" +").join("\n"));
      }
    }),
    { numRuns: 2_000 },
  );
  expect(lineDifference("a\nb\nc\nd\ne\nf", "a\nb\nc\nd\ne\ng")).toEqual([" c", " d", " e", "-f", "+g"]);
});
