/**
 * What becomes of messages between station and bridge: 5 % of the acknowledgements are lost with their connection, 3 %
 * of the deliveries come twice, and while the hole is open the station's messages are acknowledged and stored by nobody.
 */
import type { Passing, ProxyJudge } from "../../host/mqtt-proxy.ts";
import type { Draws } from "../chance.ts";
import type { SentMessages } from "./sent-messages.ts";

const ACKNOWLEDGEMENTS_LOST = 0.05;
const DELIVERIES_DOUBLED = 0.03;
/** Samples, alarms and what belongs to their book-keeping; not the twin. */
const LANE = /^ps\/1\/[^/]+\/(urgent|normal|late)\//;

export interface FaultCounts {
  readonly messages: number;
  readonly acknowledgementsLost: number;
  readonly doubled: number;
  readonly swallowed: number;
  /** Of them with samples. */
  readonly batchesSwallowed: number;
}

export interface Faults extends ProxyJudge {
  readonly counts: FaultCounts;
  setHole(isOpen: boolean): void;
  /** From now on nothing goes wrong any more. */
  end(): void;
}

export function createFaults(draws: Draws, sent: SentMessages): Faults {
  const counts = { messages: 0, acknowledgementsLost: 0, doubled: 0, swallowed: 0, batchesSwallowed: 0 };
  let isHoleOpen = false;
  let isOver = false;

  const onMessage = (message: Passing): "pass" | "swallow" | "double" => {
    const lane = message.way === "up" ? LANE.exec(message.topic)?.[1] : undefined;
    const isBatch = lane !== undefined && sent.saw(lane, message.topic, message.payload);
    if (lane !== undefined) counts.messages++;
    if (lane !== undefined && isHoleOpen && !isOver) {
      counts.swallowed++;
      if (isBatch) counts.batchesSwallowed++;
      return "swallow";
    }
    if (isOver || !draws.happens(DELIVERIES_DOUBLED)) return "pass";
    counts.doubled++;
    return "double";
  };
  return {
    counts,
    onMessage,
    onAcknowledgement: (topic) => {
      if (isOver || !LANE.test(topic) || !draws.happens(ACKNOWLEDGEMENTS_LOST)) return "pass";
      counts.acknowledgementsLost++;
      return "lose";
    },
    setHole: (isOpen) => {
      isHoleOpen = isOpen;
    },
    end: () => {
      isOver = true;
    },
  };
}
