/** The links of the chain, in the order of a reading, and the table that says what was seen of each. */
import type { Timers } from "@pump-station/agent/world.ts";
import { LINK_WITHIN_MS } from "../limits.ts";

/** What was seen, in words with figures; or what is still missing. */
export type Look = { readonly seen: string } | { readonly missing: string };

export interface Link {
  readonly name: string;
  /** Looks once. A throw counts as missing. */
  look(): Promise<Look>;
}

export interface LinkResult {
  readonly name: string;
  readonly seen: boolean;
  readonly evidence: string;
  readonly afterMs: number;
}

const LOOK_EVERY_MS = 500;
const ANSWER_WITHIN_MS = 5_000;

/** Looks at all links until each was seen once, or its time is over. Rejects when stopped. */
export async function followLinks(
  deps: { readonly clock: { bootMs(): number }; readonly timers: Timers },
  links: readonly Link[],
  stop: AbortSignal,
  withinMs = LINK_WITHIN_MS,
): Promise<readonly LinkResult[]> {
  const startMs = deps.clock.bootMs();
  const results = new Map<string, LinkResult>();
  for (;;) {
    for (const link of links) {
      if (results.get(link.name)?.seen) continue;
      const look = await lookOnce(deps.timers, link);
      const afterMs = deps.clock.bootMs() - startMs;
      const seen = "seen" in look;
      results.set(link.name, { name: link.name, seen, evidence: seen ? look.seen : look.missing, afterMs });
    }
    const isOver = deps.clock.bootMs() - startMs >= withinMs;
    const all = links.map(({ name }) => results.get(name)).filter((result) => result !== undefined);
    if (isOver || all.every(({ seen }) => seen)) return all;
    await deps.timers.sleep(LOOK_EVERY_MS, stop);
  }
}

/** Whoever is asked may hang; the other links are looked at all the same. */
async function lookOnce(timers: Timers, link: Link): Promise<Look> {
  let cancel: () => void = () => undefined;
  const patience = new Promise<Look>((resolve) => {
    cancel = timers.after(ANSWER_WITHIN_MS, () =>
      resolve({ missing: `no answer within ${ANSWER_WITHIN_MS / 1000} s` }),
    );
  });
  const look = link.look().catch((error: unknown): Look => ({ missing: String(error) }));
  const first = await Promise.race([look, patience]);
  cancel();
  return first;
}

export function linkTable(results: readonly LinkResult[]): string {
  const rows = results.map(({ name, seen, evidence, afterMs }) => [
    seen ? "seen" : "NOT SEEN",
    name,
    `${(afterMs / 1000).toFixed(1)} s`,
    evidence,
  ]);
  const lines = [["", "link", "after", "evidence"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map(([state = "", name = "", after = "", evidence = ""]) =>
      [state.padEnd(widths[0] ?? 0), name.padEnd(widths[1] ?? 0), after.padStart(widths[2] ?? 0), evidence].join("  "),
    )
    .join("\n");
}
