import { expect, it } from "vitest";
import { nearestWord } from "./spelling.ts";

it.each([
  ["evrey", "every"],
  ["adress", "address"],
  ["Every", "every"],
  ["dew_point", "dew-point"],
  ["ab", undefined],
  ["wibble", undefined],
])("%s means %s", (word, meant) => {
  expect(nearestWord(word, ["address", "every", "dew-point", "xyz"])).toBe(meant);
});

it("takes the nearest of several", () => {
  expect(nearestWord("presure", ["pressures", "pressure", "measure"])).toBe("pressure");
});
