import { expect, it } from "vitest";
import { createMirror } from "./mirror.ts";

it("a change that nobody told in full is a gap, also at the version that is known", () => {
  const mirror = createMirror({ version: 4, desired: { a: 1 } });
  expect(mirror.merge({ $version: 4 }, "unknown")).toBe("gap");
  expect(mirror.merge({ $version: 5 }, "unknown")).toBe("gap");
  expect(mirror.current).toEqual({ version: 4, desired: { a: 1 } });
});
