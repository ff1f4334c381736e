/**
 * chrony's own word, by `chronyc -c tracking`, which every user may ask over loopback. Its files say less: the folder is
 * closed to others, and the drift file comes an hour after the start.
 *
 *   fields, by commas (chronyc(1), tracking): reference id in hex, its name, stratum, reference time, how far the system's time
 *   is off in s (5th), …, leap status (14th, last): Normal, Insert second, Delete second, Not synchronised
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const ASK_EVERY_MS = 30_000;
const ANSWER_WITHIN_MS = 5_000;
/** `local` of chrony.conf: nobody else has told it the time. */
const LOCAL_REFERENCE = "7F7F0101";
/** chrony that slews a large difference away is synchronised to itself, and the system's clock still wrong. */
const OFF_S_MAX = 1;

export interface ChronyWord {
  /** Whether it says that the system's clock is right; asks in the background, so that the first answer is no. */
  isSet(): boolean;
}

/** `ask`: what `chronyc -c tracking` prints; rejects where there is none to ask. */
export function createChronyWord(ask: () => Promise<string>): ChronyWord {
  let isSet = false;
  let askedMs = Number.NEGATIVE_INFINITY;
  return {
    isSet: () => {
      const nowMs = Number(process.hrtime.bigint()) / 1e6;
      if (nowMs - askedMs >= ASK_EVERY_MS) {
        askedMs = nowMs;
        ask().then(
          (line) => (isSet = saysSet(line)),
          // Not installed, not running, closed by its configuration: nobody has vouched.
          () => (isSet = false),
        );
      }
      return isSet;
    },
  };
}

function saysSet(line: string): boolean {
  const fields = line.trim().split(",");
  const [offS, leap = ""] = [Number(fields[4] || Number.NaN), fields[13]];
  if (fields[0] === LOCAL_REFERENCE) return false;
  return /^(Normal|Insert second|Delete second)$/.test(leap) && Math.abs(offS) <= OFF_S_MAX;
}

/** Without names: a look-up could take longer than the answer. */
export const askChrony = async (): Promise<string> =>
  (await promisify(execFile)("chronyc", ["-n", "-c", "tracking"], { timeout: ANSWER_WITHIN_MS })).stdout;
