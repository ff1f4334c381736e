/** The figures of a proof by kills, for people. */
import type { FaultCounts } from "./faults.ts";
import type { KillCounts } from "./killing.ts";
import type { SentMessages } from "./sent-messages.ts";
import type { Verdict } from "./verdict.ts";

export interface KillFigures {
  readonly seed: number;
  readonly agent: KillCounts;
  readonly bridge: KillCounts;
  readonly faults: FaultCounts;
  readonly sent: Pick<SentMessages, "samples" | "repeated">;
  readonly killedMs: number;
  readonly tookMs: number;
}

export function killReport(verdict: Verdict, figures: KillFigures): readonly string[] {
  const { agent, bridge, faults, sent } = figures;
  const { produced, stored, dropped, pending, lost } = verdict;
  const rows: readonly (readonly [string, string])[] = [
    ["kills", `${sumOf(agent) + sumOf(bridge)} in ${seconds(figures.killedMs)}, seed ${figures.seed}`],
    ["  of the agent", stagesOf(agent)],
    ["  of the bridge", stagesOf(bridge)],
    ["acknowledgements lost", `${faults.acknowledgementsLost}`],
    ["deliveries doubled", `${faults.doubled} of ${faults.messages} messages`],
    ["swallowed and acknowledged", `${faults.swallowed} messages, ${faults.batchesSwallowed} of them with samples`],
    ["produced", `${produced} samples (${verdict.readings} readings) in ${verdict.epochs} epochs`],
    ["stored once", `${stored}`],
    ["reported as dropped", `${dropped}`],
    ["pending", `${pending}`],
    ["lost", `${lost}`],
    ["sent more than once", `${sent.repeated} of ${sent.samples} samples, and the doubled deliveries`],
    ["answers never committed", `${verdict.neverCommitted}: in RAM when the agent was killed, or heard by nobody`],
    ["took", seconds(figures.tookMs)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, figure]) => `${name.padEnd(width)}  ${figure}`),
    ...(verdict.problems.length === 0
      ? [`PROVEN: ${produced} produced = ${stored} stored once + ${dropped} reported as dropped + ${pending} pending`]
      : ["NOT PROVEN:", ...verdict.problems.map((problem) => `  ${problem}`)]),
  ];
}

const sumOf = (counts: KillCounts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
const stagesOf = (counts: KillCounts): string =>
  Object.entries(counts)
    .map(([stage, count]) => `${count} ${stage}`)
    .join(", ");
const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`;
