/** Which message goes next: urgent before all, then normal, with a fair share for what is late. */
import type { Offer, SampleBuffer } from "../buffer/buffer.ts";

/** One message in four is late while both lanes have some: a month's backlog goes out, and today isn't held up by it. */
const LATE_TURN = 4;

export interface Lanes {
  /** The interval is due: what waits now goes, full or not. What comes meanwhile waits for the next interval. */
  drain(): void;
  /** The same again until it is accepted or refused. */
  next(options: { readonly onlyUrgent: boolean }): Offer | undefined;
  /** The offer has left the buffer. */
  done(offer: Offer): void;
}

export function createLanes(deps: {
  readonly buffer: SampleBuffer;
  /** The month's budget is short: what is late waits for better times. */
  readonly isLateWaiting?: () => boolean;
}): Lanes {
  const { buffer } = deps;
  let isDrainDue = false;
  let samplesToDrain = 0;
  let turn = 0;

  const waitingNow = (): number => {
    const { waiting, backlog } = buffer.status();
    return waiting - backlog;
  };
  const normal = (): Offer | undefined => {
    const offer = buffer.offer("normal", isDrainDue || samplesToDrain > 0 ? "now" : "if-full");
    // Counted after the first offer, which leaves what piled up to the late lane.
    if (isDrainDue) samplesToDrain = waitingNow();
    isDrainDue = false;
    if (!offer) samplesToDrain = 0;
    return offer;
  };
  const late = (): Offer | undefined => (deps.isLateWaiting?.() ? undefined : buffer.offer("late", "now"));

  return {
    drain: () => {
      isDrainDue = true;
    },
    next: ({ onlyUrgent }) => {
      const urgent = buffer.offer("urgent", "now");
      if (urgent || onlyUrgent) return urgent;
      return turn % LATE_TURN === LATE_TURN - 1 ? (late() ?? normal()) : (normal() ?? late());
    },
    done: (offer) => {
      if (offer.lane !== "urgent") turn++;
      if (offer.lane === "normal") samplesToDrain -= offer.samples;
    },
  };
}
