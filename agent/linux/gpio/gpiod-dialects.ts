/**
 * The command-line tools of libgpiod, which changed their options and output between the major versions. By what
 * `gpioset --help`, `gpiomon --help` and `gpioinfo` of 1.6.3 and 2.x say and print:
 *
 *                        1.x                                           2.x
 *   --version            gpiomon (libgpiod) v1.6.3                     gpiomon (libgpiod) v2.1.2, gpiomon v2.4 (libgpiod …)
 *   gpiodetect           gpiochip0 [label] (54 lines)                  the same
 *   gpioinfo             \tline  17:  "NAME"  "user"  input  active-high [used]
 *                                                                      \tline  17:\t"NAME"  \toutput consumer="user"
 *   gpioget              CHIP 17                    → 1                --numeric --chip CHIP 17            → 1
 *   gpiomon              --format=%e %s %n CHIP 17  → 1 12 345678901   --format=%e %S --chip CHIP 17       → 1 12.345678901
 *                        0 falling, 1 rising                           1 rising, 2 falling
 *   gpioset, holding     --mode=signal CHIP 17=1                       --chip CHIP 17=1
 *   gpioset, and leaving --mode=exit CHIP 17=1                         --toggle=0 --chip CHIP 17=1
 *
 * Event times are the kernel's CLOCK_MONOTONIC (since Linux 5.7), taken in the interrupt.
 */
export interface LineRequest {
  readonly chip: string;
  readonly offset: number;
  readonly active: "high" | "low";
  readonly pull?: "up" | "down";
}

export interface Dialect {
  readonly info: (chip: string) => string[];
  readonly get: (line: LineRequest) => string[];
  readonly monitor: (line: LineRequest, edges: "rising" | "falling" | "both") => string[];
  readonly edgeFrom: (text: string) => Edge | undefined;
  /** Options of gpioset: for the one that holds, for the one that sets and leaves, and what both take before the value. */
  readonly hold: string;
  readonly leave: string;
  readonly drive: (line: Omit<LineRequest, "pull">) => string[];
}

export interface Edge {
  readonly rising: boolean;
  readonly ms: number;
}

const DIALECT_1: Dialect = {
  info: (chip) => [chip],
  get: ({ chip, offset, ...line }) => [...options1(line), chip, String(offset)],
  monitor: ({ chip, offset, ...line }, edges) => [
    "--line-buffered",
    "--format=%e %s %n",
    ...(edges === "both" ? [] : [`--${edges}-edge`]),
    ...options1(line),
    chip,
    String(offset),
  ],
  edgeFrom: (text) => {
    const [, kind, seconds, nanoseconds] = /^([01]) +(\d+) +(\d+)$/.exec(text.trim()) ?? [];
    if (kind === undefined) return undefined;
    return { rising: kind === "1", ms: Number(seconds) * 1_000 + Number(nanoseconds) / 1e6 };
  },
  hold: "--mode=signal",
  leave: "--mode=exit",
  drive: ({ chip, active }) => [...options1({ active }), chip],
};

const options1 = ({ active, pull }: Pick<LineRequest, "active" | "pull">): string[] => [
  ...(active === "low" ? ["--active-low"] : []),
  ...(pull ? [`--bias=pull-${pull}`] : []),
];

const DIALECT_2: Dialect = {
  info: (chip) => ["--chip", chip],
  get: ({ chip, offset, ...line }) => ["--numeric", ...options2(line), "--chip", chip, String(offset)],
  monitor: ({ chip, offset, ...line }, edges) => [
    "--format=%e %S",
    "--edges",
    edges,
    "--consumer=pump-station",
    ...options2(line),
    "--chip",
    chip,
    String(offset),
  ],
  edgeFrom: (text) => {
    const [, kind, seconds, fraction] = /^([12]) +(\d+)\.(\d{9})$/.exec(text.trim()) ?? [];
    if (kind === undefined) return undefined;
    return { rising: kind === "1", ms: Number(seconds) * 1_000 + Number(fraction) / 1e6 };
  },
  hold: "--consumer=pump-station",
  leave: "--toggle=0",
  drive: ({ chip, active }) => [...options2({ active }), "--chip", chip],
};

const options2 = ({ active, pull }: Pick<LineRequest, "active" | "pull">): string[] => [
  ...(active === "low" ? ["--active-low"] : []),
  ...(pull ? [`--bias=pull-${pull}`] : []),
];

const DIALECTS: Readonly<Record<string, Dialect>> = { "1": DIALECT_1, "2": DIALECT_2 };

/** By what a tool says after `--version`; undefined for a version that nobody here has met. */
export const dialectOf = (version: string): Dialect | undefined => DIALECTS[/\bv(\d+)\./.exec(version)?.[1] ?? ""];

export interface ChipInfo {
  readonly name: string;
  readonly label: string;
  readonly lines: number;
}

/** What gpiodetect prints. */
export const chipsFrom = (text: string): ChipInfo[] =>
  text.split("\n").flatMap((line) => {
    const [, name, label, lines] = /^(\S+) \[(.*)\] \((\d+) lines?\)/.exec(line) ?? [];
    return name === undefined || label === undefined ? [] : [{ name, label, lines: Number(lines) }];
  });

export interface LineInfo {
  readonly offset: number;
  /** undefined: the line has none. */
  readonly name?: string;
  readonly isUsed: boolean;
  readonly consumer?: string;
  readonly direction: "input" | "output";
}

/** What gpioinfo prints, of both versions. */
export const linesFrom = (text: string): LineInfo[] =>
  text.split("\n").flatMap((line) => {
    const [, offset, rest = ""] = /^\s+line\s+(\d+):\s+(.*)$/.exec(line) ?? [];
    const [, name, unnamed, attributes = ""] = /^(?:"(.*?)"(?=\s)|(unnamed))\s+(.*)$/.exec(rest) ?? [];
    if (offset === undefined || (name === undefined && unnamed === undefined)) return [];
    const [, direction] = /(?:^|\s)(input|output)(?=\s|$)/.exec(attributes) ?? [];
    const consumer = /consumer="?([^"]+?)"?(?:\s|$)/.exec(attributes)?.[1] ?? /^"(.*?)"\s/.exec(attributes)?.[1];
    return [
      {
        offset: Number(offset),
        ...(name === undefined ? {} : { name }),
        isUsed: /\[used\b/.test(attributes) || /\bconsumer=/.test(attributes),
        ...(consumer === undefined ? {} : { consumer }),
        direction: direction === "output" ? ("output" as const) : ("input" as const),
      },
    ];
  });
