/**
 * A tipping bucket: rain fills one half; when it holds enough it tips, and a reed contact closes for a moment: a line
 * held high falls, chatters for a millisecond, and rises again about a tenth of a second later.
 */
export interface Edge {
  readonly atMs: number;
  readonly edge: "rising" | "falling";
  /** Of the edges of one tip, the first. */
  readonly isTip: boolean;
}

export interface TippingBucket {
  /** Rain since the last call, evenly spread: the edges that it made, in order. */
  rain(fromMs: number, toMs: number, intensityMmPerHour: number): readonly Edge[];
  /** Tips since it was made. */
  readonly tips: number;
}

const CLOSED_MS = 100;
/** Contacts chatter once within 2 ms; whoever counts must look past it. */
const CHATTER: readonly Edge[] = [
  { atMs: 0, edge: "falling", isTip: true },
  { atMs: 0.7, edge: "rising", isTip: false },
  { atMs: 1.4, edge: "falling", isTip: false },
  { atMs: CLOSED_MS, edge: "rising", isTip: false },
];

export function createTippingBucket(options: { readonly mmPerTip: number; readonly filledMm?: number }): TippingBucket {
  let filledMm = options.filledMm ?? 0;
  let tips = 0;
  return {
    rain: (fromMs, toMs, intensityMmPerHour) => {
      const perMs = intensityMmPerHour / 3_600_000;
      const edges: Edge[] = [];
      const endMm = filledMm + Math.max(0, toMs - fromMs) * perMs;
      const tipsHere = Math.floor(endMm / options.mmPerTip);
      for (let tip = 1; tip <= tipsHere; tip++) {
        const atMs = fromMs + (tip * options.mmPerTip - filledMm) / perMs;
        edges.push(...CHATTER.map((edge) => ({ ...edge, atMs: atMs + edge.atMs })));
      }
      tips += tipsHere;
      filledMm = endMm - tipsHere * options.mmPerTip;
      return edges;
    },
    get tips() {
      return tips;
    },
  };
}
