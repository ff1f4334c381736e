import { expect, test } from "vitest";
import { fragmentFrom, fragmentOf } from "./fragment.ts";

test("the token is taken out of the fragment, the station stays", () => {
  expect(fragmentFrom("#token=a%2Bb&station=demo-lake")).toEqual({
    token: "a+b",
    station: "demo-lake",
    rest: "#station=demo-lake",
  });
  expect(fragmentFrom("#token=abc")).toEqual({ token: "abc", rest: "" });
});

test("nothing in the fragment is nothing", () => {
  expect(fragmentFrom("")).toEqual({ rest: "" });
  expect(fragmentFrom("#token=&station=")).toEqual({ rest: "" });
});

test("a station's fragment leads back to it", () => {
  expect(fragmentFrom(fragmentOf("weir & 2")).station).toBe("weir & 2");
});
