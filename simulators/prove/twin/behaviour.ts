/** Cadence and upload interval, told from what passes over the line and the link. Pure. */

/**
 * Whether most of the time since then lies in gaps of that length: looks at a setting come between two polls, and a
 * message may wait for the one before. Events nearer to each other than `apartMs` are one.
 */
export function keepsTime(
  atMs: readonly number[],
  sinceMs: number,
  { wantedS, slackS, apartMs = 0 }: { readonly wantedS: number; readonly slackS: number; readonly apartMs?: number },
): boolean {
  const gaps = gapsS(atMs, sinceMs, apartMs);
  const sum = (all: readonly number[]): number => all.reduce((total, gap) => total + gap, 0);
  const right = gaps.filter((gap) => Math.abs(gap - wantedS) <= slackS + wantedS * 0.05);
  return right.length >= 2 && sum(right) >= sum(gaps) / 2;
}

/** For whoever reads why: "60.0, 60.0, 31.2 s". */
export const gapsText = (atMs: readonly number[], sinceMs: number, apartMs = 0): string =>
  `${gapsS(atMs, sinceMs, apartMs)
    .slice(0, 12)
    .map((gap) => gap.toFixed(1))
    .join(", ")} s`;

function gapsS(atMs: readonly number[], sinceMs: number, apartMs: number): number[] {
  const times: number[] = [];
  for (const at of atMs) if (at >= sinceMs && at - (times.at(-1) ?? -Infinity) > apartMs) times.push(at);
  return times.slice(1).map((at, index) => (at - (times[index] ?? 0)) / 1000);
}
