import { describe, expect, it } from "vitest";
import { chipsFrom, dialectOf, linesFrom } from "./gpiod-dialects.ts";

const one = dialectOf("gpiodetect (libgpiod) v1.6.3\nCopyright (C) 2017-2018 Bartosz Golaszewski\n")!;
const two = dialectOf("gpiodetect (libgpiod) v2.1.2\nCopyright (C) 2017-2023 Bartosz Golaszewski\n")!;
const line = { chip: "gpiochip0", offset: 17, active: "low", pull: "up" } as const;

describe("libgpiod's tools", () => {
  it("are told apart by their version, that of newer ones too, and an unknown one isn't guessed", () => {
    expect(one).not.toBe(two);
    expect(dialectOf("gpiomon v2.4+devel (libgpiod v2.2.1)\n")).toBe(two);
    expect(dialectOf("gpiomon (libgpiod) v3.0\n")).toBeUndefined();
    expect(dialectOf("command not found")).toBeUndefined();
  });

  it("are asked in the words of 1.x", () => {
    expect(one.monitor(line, "falling").join(" ")).toBe(
      "--line-buffered --format=%e %s %n --falling-edge --active-low --bias=pull-up gpiochip0 17",
    );
    expect(one.monitor({ ...line, active: "high" }, "both").join(" ")).toBe(
      "--line-buffered --format=%e %s %n --bias=pull-up gpiochip0 17",
    );
    expect(one.get(line).join(" ")).toBe("--active-low --bias=pull-up gpiochip0 17");
    expect([one.hold, ...one.drive(line)].join(" ")).toBe("--mode=signal --active-low gpiochip0");
    expect(one.info("gpiochip0")).toEqual(["gpiochip0"]);
  });

  it("are asked in the words of 2.x", () => {
    expect(two.monitor(line, "falling").join(" ")).toBe(
      "--format=%e %S --edges falling --consumer=pump-station --active-low --bias=pull-up --chip gpiochip0 17",
    );
    expect(two.get(line).join(" ")).toBe("--numeric --active-low --bias=pull-up --chip gpiochip0 17");
    expect([two.leave, ...two.drive(line)].join(" ")).toBe("--toggle=0 --active-low --chip gpiochip0");
    expect(two.info("gpiochip0")).toEqual(["--chip", "gpiochip0"]);
  });

  it("tell an edge with the kernel's time, falling as 0 in 1.x and as 2 in 2.x", () => {
    expect(one.edgeFrom("1 12 345678901")).toEqual({ rising: true, ms: 12_345.678901 });
    expect(one.edgeFrom("0 12 5")).toEqual({ rising: false, ms: 12_000.000005 });
    expect(two.edgeFrom("1 12.345678901")).toEqual({ rising: true, ms: 12_345.678901 });
    expect(two.edgeFrom("2 12.345678901")).toEqual({ rising: false, ms: 12_345.678901 });
    for (const nonsense of ["", "3 1 2", "1 1", "event: RISING EDGE offset: 5", "2 12.3"]) {
      expect(one.edgeFrom(nonsense)).toBeUndefined();
      expect(two.edgeFrom(nonsense)).toBeUndefined();
    }
  });

  it("list chips, whatever stands in a label", () => {
    const text = "gpiochip0 [pinctrl-bcm2711] (58 lines)\ngpiochip1 [my [odd] label] (8 lines)\n";
    expect(chipsFrom(text)).toEqual([
      { name: "gpiochip0", label: "pinctrl-bcm2711", lines: 58 },
      { name: "gpiochip1", label: "my [odd] label", lines: 8 },
    ]);
  });

  it("list the lines of a chip as 1.x prints them", () => {
    const text = [
      "gpiochip0 - 4 lines:",
      "\tline   0:      unnamed       unused   input  active-high ",
      '\tline   1:     "GPIO1"       unused   input   active-low ',
      '\tline   2:     "RAIN IN"    "gpiomon"   input  active-high [used pull-up]',
      '\tline   3:      unnamed    "gpioset"  output  active-high [used]',
      "",
    ].join("\n");
    expect(linesFrom(text)).toEqual([
      { offset: 0, isUsed: false, direction: "input" },
      { offset: 1, name: "GPIO1", isUsed: false, direction: "input" },
      { offset: 2, name: "RAIN IN", isUsed: true, consumer: "gpiomon", direction: "input" },
      { offset: 3, isUsed: true, consumer: "gpioset", direction: "output" },
    ]);
  });

  it("list the lines of a chip as 2.x prints them", () => {
    const text = [
      "gpiochip0 - 4 lines:",
      "\tline   0:\tunnamed         \tinput",
      '\tline   1:\t"GPIO1"         \toutput active-low',
      '\tline   2:\t"RAIN IN"       \tinput bias=pull-up edges=both event-clock=monotonic consumer="pump-station"',
      "\tline   3:\tunnamed         \toutput consumer=kernel",
      "",
    ].join("\n");
    expect(linesFrom(text)).toEqual([
      { offset: 0, isUsed: false, direction: "input" },
      { offset: 1, name: "GPIO1", isUsed: false, direction: "output" },
      { offset: 2, name: "RAIN IN", isUsed: true, consumer: "pump-station", direction: "input" },
      { offset: 3, isUsed: true, consumer: "kernel", direction: "output" },
    ]);
  });
});
