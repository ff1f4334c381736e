/**
 * Tells a device what it needs to hear before it can be read: before the first read, after a silence in which it may
 * have lost power, and when a read is refused for want of it; some steps before every poll. Writes are not reads and are never repeated; the author
 * of a description declares of these that saying them again does no harm.
 */
import type { SerialProtocol } from "@pump-station/sensor-descriptions/model.ts";
import type { Conversation } from "./conversation.ts";
import type { ExchangeResult } from "./exchange.ts";

type Step = NonNullable<SerialProtocol["setUp"]>["steps"][number];
export type AskStep = Extract<Step, { do: "ask" }>;

export interface DeviceSetUp {
  /** The device may have forgotten everything. */
  due(): void;
  readonly isDue: boolean;
  /** Runs the steps that are due; the result of the one that failed, after which the rest is left out. */
  run(conversation: Conversation, ask: (step: AskStep) => Promise<ExchangeResult>): Promise<ExchangeResult | undefined>;
  /** Whether a read that ended so may succeed after another set-up; then it is due. */
  isWantedAfter(result: ExchangeResult): boolean;
}

export function createDeviceSetUp({ setUp }: SerialProtocol): DeviceSetUp {
  const steps = setUp?.steps ?? [];
  let isDue = true;
  return {
    due: () => {
      isDue = true;
    },
    get isDue() {
      return isDue;
    },
    run: async (conversation, ask) => {
      for (const step of steps) {
        if (!isDue && !step.isEachTime) continue;
        if (step.do === "wait") await conversation.timers.sleep(step.ms);
        else {
          const result = await ask(step);
          if (!isDone(result, step)) return result;
        }
      }
      isDue = false;
      return undefined;
    },
    isWantedAfter: (result) => {
      if (result.kind !== "refused" || !setUp?.whenRefused.has(result.code)) return false;
      isDue = true;
      return true;
    },
  };
}

const isDone = ({ kind }: ExchangeResult, { isOptional }: AskStep): boolean =>
  kind === "answer" || kind === "sent" || (kind === "refused" && isOptional);
