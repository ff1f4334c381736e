import { describe, expect, it } from "vitest";
import { CsvError, type CsvOptions, csvTable } from "./csv-table.ts";

const ANY: CsvOptions = { resolutions: new Map(), leaveOut: [] };
const tableOf = (text: string) => csvTable("f.csv", text, ANY);
const columnOf = (...cells: string[]) => tableOf(`time;a\n${cells.map((cell, at) => `${at};${cell}\n`).join("")}`);
const resolutionOf = (...cells: string[]) => columnOf(...cells).channels[0]?.resolution;
const timesOf = (...times: string[]) => tableOf(`time,a\n${times.map((time) => `${time},1\n`).join("")}`).times;

describe("a table that somebody else recorded", () => {
  it("has the steps that its cells are written in", () => {
    expect(resolutionOf("21.35", "4")).toBe(0.01);
    expect(resolutionOf("1.25e-3", "1e-2")).toBe(1e-5);
    expect(resolutionOf("21,35", "4,1")).toBe(0.01);
    expect(resolutionOf("1013.2501", "1013.25")).toBe(0.0001);
    expect(resolutionOf("1000000.01", "1234567.02")).toBe(0.01);
  });

  it("has the steps that were meant where a program wrote binary numbers", () => {
    expect(resolutionOf("21.400000000000002", "21.5")).toBe(0.1);
    expect(resolutionOf("21.299999999", "21.4")).toBe(0.1);
    expect(resolutionOf("21.299999237060547", "21.5")).toBe(0.1);
    expect(columnOf("21.299999237060547", "21.5").notes[0]).toContain('--resolution "a=STEP"');
  });

  it("has nine digits at most, and steps that whole numbers can count", () => {
    expect(resolutionOf("0.12345678901234567", "0.98765432109876")).toBe(1e-9);
    expect(resolutionOf("8.51e-8", "1.25e-8")).toBe(1e-10);
    expect(resolutionOf("1e30", "2.5e29")).toBe(1e15);
    expect(columnOf("1e30", "2.5e29").channels[0]?.steps).toEqual([1e15, 2.5e14]);
  });

  it("has times as they are commonly written", () => {
    const wanted = Date.UTC(2023, 10, 14, 22, 13, 20);
    const written = [
      "2023-11-14T22:13:20",
      "2023-11-14 22:13:20.000",
      "2023/11/14 22:13:20 UTC",
      "2023-11-15 00:13:20+02",
    ];
    const numbers = ["1700000000", "1.7e+09", "1700000000000", "1700000000000000", "1700000000000000000"];
    for (const time of [...written, ...numbers]) expect(timesOf(time), time).toEqual([wanted]);
    expect(timesOf("2023-11-14")).toEqual([Date.UTC(2023, 10, 14)]);
  });

  it("lacks what loggers write for nothing, and lines that begin with #", () => {
    expect(columnOf("1", "", "NaN", "n/a", "#N/A", "-", "inf", "null").channels[0]?.steps).toEqual([
      1,
      ...new Array<undefined>(7).fill(undefined),
    ]);
    expect(tableOf("# station 5\ntime,a\n5,1\n").times).toEqual([5_000]);
  });

  it("has names that a schema takes, each once", () => {
    const long = "x".repeat(80);
    const names = tableOf(`time,${long}1,${long}2,"a\tb"\n1,2,3,4\n`).channels.map(({ name }) => name);
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[^\p{Cc}]{1,64}$/u);
  });

  it("is refused with the place and a way out", () => {
    const said = (text: string) => {
      try {
        tableOf(text);
      } catch (error) {
        if (error instanceof CsvError) return error.message;
        throw error;
      }
      return "taken";
    };
    expect(said("time,a\n1,2\n2,err\n")).toBe('f.csv:3: "err" in column "a" is no number; mend it, or --leave-out "a"');
    expect(said("time,a\n1,5%\n")).toContain('"5%" is text');
    expect(said("time,a\nsoon,5\n")).toContain('f.csv:2: "soon" is no time');
    expect(said("time\n5\n")).toContain("a time and a channel");
  });
});
