/** Bad days of a cloud and of the network before it, each switched by itself; all off at first. */
import type { Refusal } from "./shadow.ts";

export interface Faults {
  /** Messages are taken over; so many acknowledgements (PUBACK) get lost. */
  loseAcknowledgements: number;
  /** So many messages of things arrive twice, and are acknowledged twice. */
  acknowledgeTwice: number;
  /** So many messages to things are delivered twice, each with an identifier of its own. */
  deliverTwice: number;
  /** Acknowledgements come so much later, ms. */
  delayAcknowledgementsMs: number;
  /** Messages to things come so much later, ms. */
  delayMs: number;
  /** So many messages to things on topics that end so are lost: {"update/delta": 1, "update/accepted": 1}. */
  lose: Record<string, number>;
  /** Shadow requests are refused like this. */
  rejectShadow?: Refusal | undefined;
  /** Shadow requests are answered 429, messages aren't acknowledged. */
  throttle: boolean;
  /** So many shadow requests are answered 429. */
  throttleRequests: number;
  /** So many messages aren't taken over, and not acknowledged: too many in a second. */
  throttleMessages: number;
  /** So many next messages to things end in the middle of their bytes, and the link with them. */
  cutMidMessage: number;
  /** Links stay open, and nothing comes back. */
  silent: boolean;
  /** Shadow requests get no answer; everything else works. */
  shadowSilent: boolean;
  /** Requests to the jobs service get no answer. */
  jobsSilent: boolean;
  /** CONNECT is refused with this return code (MQTT 3.1.1 table 3.1). */
  refuseConnect?: number | undefined;
}

export const noFaults = (): Faults => ({
  loseAcknowledgements: 0,
  acknowledgeTwice: 0,
  deliverTwice: 0,
  delayAcknowledgementsMs: 0,
  delayMs: 0,
  lose: {},
  throttle: false,
  throttleRequests: 0,
  throttleMessages: 0,
  cutMidMessage: 0,
  silent: false,
  shadowSilent: false,
  jobsSilent: false,
});

type Counted =
  | "loseAcknowledgements"
  | "acknowledgeTwice"
  | "deliverTwice"
  | "cutMidMessage"
  | "throttleRequests"
  | "throttleMessages";

/** Counts one down; false when none is left. */
export function takeOne(faults: Faults, name: Counted): boolean {
  if (faults[name] <= 0) return false;
  faults[name]--;
  return true;
}

export function isLost(faults: Faults, topic: string): boolean {
  const ending = Object.keys(faults.lose).find((each) => topic.endsWith(each) && (faults.lose[each] ?? 0) > 0);
  if (ending === undefined) return false;
  faults.lose[ending] = (faults.lose[ending] ?? 0) - 1;
  return true;
}
