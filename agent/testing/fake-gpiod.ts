/**
 * libgpiod's tools as small shell programs over a folder, for tests of what is done with the real ones: they take
 * the options of one major version, keep a line busy while they live, and are refused a line that is.
 *
 *   FOLDER/tools/gpio…    the tools, for the PATH
 *   FOLDER/wire-17        what the wire of line 17 is at
 *   FOLDER/user-17        who has line 17: the process id of its holder
 *   FOLDER/direction-17   "input" or "output"
 *   FOLDER/events-17      a pipe: each line written to it is printed by the gpiomon that has the line
 *   FOLDER/log            every call, a line each
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const COMMON = `
folder=$(dirname "$0")/..
tool=$(basename "$0")
echo "$tool $*" >> "$folder/log"
version() { [ MAJOR = 1 ] && echo "$tool (libgpiod) v1.6.3" || echo "$tool (libgpiod) v2.1.2"; exit 0; }
taken() { [ -e "$folder/user-$1" ] && kill -0 "$(cat "$folder/user-$1")" 2>/dev/null; }
refuse() { echo "$tool: error requesting line $1: Device or resource busy" >&2; exit 1; }
for last in "$@"; do :; done
[ "$last" = --version ] && version
line=\${last%%=*}
value=\${last#*=}
`;

const TOOLS: Readonly<Record<string, string>> = {
  gpiodetect: `echo "gpiochip0 [fake-chip] (20 lines)"`,
  gpioinfo: `
echo "gpiochip0 - 20 lines:"
n=0
while [ $n -lt 20 ]; do
  name=unnamed; [ $n = 17 ] && name='"RAIN"'
  direction=$(cat "$folder/direction-$n" 2>/dev/null || echo input)
  if taken $n; then
    [ MAJOR = 1 ] && printf '\\tline %3u: %12s %12s %8s %13s [used]\\n' $n "$name" '"other"' $direction active-high || printf '\\tline %3u:\\t%-16s\\t%s consumer="other"\\n' $n "$name" $direction
  else
    [ MAJOR = 1 ] && printf '\\tline %3u: %12s %12s %8s %13s \\n' $n "$name" unused $direction active-high || printf '\\tline %3u:\\t%-16s\\t%s\\n' $n "$name" $direction
  fi
  n=$((n + 1))
done`,
  gpioget: `taken $line && refuse $line; cat "$folder/wire-$line"`,
  gpiomon: `
taken $line && refuse $line
echo $$ > "$folder/user-$line"
exec 4<> "$folder/events-$line"
while read -r event <&4; do
  [ "$event" = die ] && exit 1
  echo "$event"
done`,
  gpioset: `
taken $line && refuse $line
case "$*" in *--mode=exit*|*--toggle=0*) echo $value > "$folder/wire-$line"; exit 0;; esac
echo $$ > "$folder/user-$line"
echo output > "$folder/direction-$line"
echo $value > "$folder/wire-$line"
trap 'exit 0' TERM
while :; do sleep 0.02; done`,
};

export interface FakeGpiod {
  /** For the PATH; the shell's own tools are behind it. */
  readonly path: string;
  wire(line: number): string;
  putWire(line: number, value: 0 | 1): void;
  /** What the gpiomon of that line prints next; "die" ends it. */
  event(line: number, text: string): void;
  /** The process that has a line. */
  user(line: number): number;
  log(): string[];
}

export function createFakeGpiod(folder: string, major: 1 | 2): FakeGpiod {
  mkdirSync(join(folder, "tools"), { recursive: true });
  for (const [name, script] of Object.entries(TOOLS)) {
    const path = join(folder, "tools", name);
    writeFileSync(path, `#!/bin/sh\n${`${COMMON}${script}\n`.replaceAll("MAJOR", String(major))}`);
    chmodSync(path, 0o755);
  }
  for (const line of [5, 17]) {
    execFileSync("mkfifo", [join(folder, `events-${line}`)]);
    writeFileSync(join(folder, `wire-${line}`), "0\n");
  }
  const read = (name: string): string => readFileSync(join(folder, name), "utf8").trim();
  return {
    path: `${join(folder, "tools")}:${process.env["PATH"] ?? ""}`,
    wire: (line) => read(`wire-${line}`),
    putWire: (line, value) => writeFileSync(join(folder, `wire-${line}`), `${value}\n`),
    event: (line, text) => appendFileSync(join(folder, `events-${line}`), `${text}\n`),
    user: (line) => Number(read(`user-${line}`)),
    log: () => (existsSync(join(folder, "log")) ? read("log").split("\n") : []),
  };
}
