/** libgpiod's tools as this machine has them: their dialect, chips by label, lines by name, who uses which. */
import { type GpioPin, PortError } from "../../world.ts";
import { createTools, type RunningTool, type Tools } from "../tool-process.ts";
import { chipsFrom, type Dialect, dialectOf, type LineInfo, linesFrom } from "./gpiod-dialects.ts";

export interface GpiodTools {
  readonly tools: Tools;
  dialect(): Promise<Dialect>;
  /** The chip's name ("gpiochip0") and the line's offset. Throws PortError "absent" that says what there is. */
  find(what: string, chip: string, pin: GpioPin): Promise<FoundLine>;
  info(line: FoundLine): Promise<LineInfo | undefined>;
  /** Throws PortError "busy" when somebody has the line. */
  checkFree(what: string, line: FoundLine): Promise<void>;
  /** Resolves when the tool has the line; throws its failure when it ends instead, or never gets there. */
  waitUntilHeld(what: string, line: FoundLine, running: RunningTool, failure: () => PortError): Promise<void>;
}

export interface FoundLine {
  readonly chip: string;
  readonly offset: number;
}

/** A request takes a few milliseconds; a board under load some hundred. */
const HELD_TRIES = 40;
const HELD_EVERY_MS = 50;

export function createGpiodTools(
  deps: { readonly sleep: (ms: number) => Promise<void> },
  toolPath: string | undefined,
): GpiodTools {
  const tools = createTools(toolPath);
  let known: Promise<Dialect> | undefined;
  const dialect = (): Promise<Dialect> => {
    known ??= readDialect(tools);
    // What failed is asked again: the package may be installed meanwhile.
    known.catch(() => {
      known = undefined;
    });
    return known;
  };
  const lines = async (chip: string): Promise<LineInfo[]> =>
    linesFrom(await tools.run("gpioinfo", (await dialect()).info(chip)));
  const info = async ({ chip, offset }: FoundLine): Promise<LineInfo | undefined> =>
    (await lines(chip)).find((line) => line.offset === offset);

  return {
    tools,
    dialect,
    info,
    find: async (what, label, pin) => {
      await dialect();
      const chips = chipsFrom(await tools.run("gpiodetect", []));
      const chip = chips.find((candidate) => candidate.label === label);
      if (!chip) {
        const present = chips.map((candidate) => candidate.label).join(", ") || "none";
        throw new PortError("absent", `${what}: no GPIO chip has the label ${label}; there are: ${present}`);
      }
      if (typeof pin === "string") return { chip: chip.name, offset: offsetOf(what, pin, await lines(chip.name)) };
      if (pin < chip.lines) return { chip: chip.name, offset: pin };
      throw new PortError("absent", `${what}: the chip has lines 0 to ${chip.lines - 1}`);
    },
    checkFree: async (what, line) => {
      const now = await info(line);
      if (now?.isUsed) throw new PortError("busy", `${what}: it is used by ${now.consumer ?? "the kernel"}`);
    },
    waitUntilHeld: async (what, line, running, failure) => {
      for (let tries = 0; tries < HELD_TRIES; tries++) {
        if ((await info(line))?.isUsed && running.isRunning()) return;
        await deps.sleep(HELD_EVERY_MS);
        if (!running.isRunning()) throw failure();
      }
      await running.stop();
      throw new PortError("stuck", `${what}: the line was not taken within ${HELD_TRIES * HELD_EVERY_MS} ms`);
    },
  };
}

async function readDialect(tools: Tools): Promise<Dialect> {
  const version = await tools.run("gpiodetect", ["--version"]);
  const dialect = dialectOf(version);
  if (dialect) return dialect;
  const first = version.split("\n")[0] ?? "";
  throw new PortError("absent", `read the version of libgpiod's tools: "${first}" is neither 1.x nor 2.x`);
}

function offsetOf(what: string, name: string, lines: readonly LineInfo[]): number {
  const named = lines.filter((line) => line.name === name);
  const [line] = named;
  if (line && named.length === 1) return line.offset;
  if (line) throw new PortError("absent", `${what}: ${named.length} lines are called ${name}; write a number`);
  const known = lines.flatMap((one) => (one.name === undefined ? [] : [one.name])).slice(0, 40);
  throw new PortError("absent", `${what}: no line is called ${name}; there are: ${known.join(", ") || "no names"}`);
}
