/**
 * An output over gpioset. A line is driven only as long as the process that asked for it lives, so a holder stays
 * alive: a shell around gpioset that makes the line safe when gpioset ends, when its input ends (this process is gone,
 * however it went), and on SIGTERM. What is guaranteed: the safe level is driven before the line is let go of, in all
 * cases but a SIGKILL of the shell itself and the machine's end. What a line does that nobody drives is its driver's
 * affair: most keep the level, some make it an input; a resistor that pulls to the safe level decides then.
 */
import type { Level } from "@pump-station/sensor-descriptions/model.ts";
import { type OutputLine, PortError } from "../../world.ts";
import type { RunningTool } from "../tool-process.ts";
import type { LineRequest } from "./gpiod-dialects.ts";
import type { GpiodTools } from "./gpiod-tools.ts";

/**
 * $1 how to hold, $2 how to set and leave, $3 "17=1", $4 "17=0" (safe), then what both take. Jobs in the background
 * have no input of their own in sh: the guard reads what was given to the shell, kept as number 3.
 */
export const HOLDER_SCRIPT = `
hold=$1 leave=$2 value=$3 safe=$4
shift 4
trap : TERM INT HUP
exec 3<&0
gpioset "$hold" "$@" "$value" 3<&- & holder=$!
{ read -r _ <&3; kill "$holder"; } 2>/dev/null & guard=$!
wait "$holder"
kill "$holder" "$guard" 2>/dev/null
wait "$holder" 2>/dev/null
gpioset "$leave" "$@" "$safe"
exit 1
`;

interface Held {
  readonly level: Level;
  readonly tool: RunningTool;
}

/** Drives the safe level. Throws PortError "busy" (somebody has the line), "denied", "absent". */
export async function createOutputHolder(
  gpiod: GpiodTools,
  what: string,
  line: Omit<LineRequest, "pull">,
  safe: Level,
  onLost: (reason: string) => void,
): Promise<OutputLine> {
  const dialect = await gpiod.dialect();
  let held: Held | undefined;

  const hold = async (level: Level): Promise<void> => {
    await gpiod.checkFree(what, line);
    let why: PortError | undefined;
    const at = (to: Level): string => `${line.offset}=${to}`;
    const args = ["-c", HOLDER_SCRIPT, "pump-station-holder", dialect.hold, dialect.leave, at(level), at(safe)];
    const tool = gpiod.tools.start("/bin/sh", [...args, ...dialect.drive(line)], {
      stop: "input",
      name: "gpioset",
      onEnd: (reason) => {
        why = reason;
        if (held?.tool !== tool) return;
        held = undefined;
        onLost(`${what}: the holder ended (${reason.message}); the pin was made safe`);
      },
    });
    await gpiod.waitUntilHeld(what, line, tool, () => why ?? new PortError("absent", `${what}: gpioset ended`));
    held = { level, tool };
  };

  const release = async (): Promise<void> => {
    const tool = held?.tool;
    held = undefined;
    await tool?.stop();
  };

  await hold(safe);
  return {
    set: async (level) => {
      if (held?.level === level) return;
      // The holder leaves the line safe; one of the two levels is the safe one, so no third stands between them.
      await release();
      try {
        await hold(level);
      } catch (error) {
        onLost(`${what}: ${error instanceof Error ? error.message : String(error)}`);
        throw error;
      }
    },
    level: async () => {
      const now = await gpiod.info(line);
      if (held && now?.isUsed && now.direction === "output") return held.level;
      throw new PortError("absent", `${what}: the line is not driven any more`);
    },
    close: release,
  };
}
