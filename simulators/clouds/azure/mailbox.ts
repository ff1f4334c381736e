/**
 * Cloud-to-device messages of one device: kept until completed by its PUBACK, expired, or handed out too often. What was
 * handed out on a link that broke waits again.
 */
import { ServiceError } from "./errors.ts";
import { MAILBOX_DELIVERIES_MAX, MAILBOX_LIFE_MS, MAILBOX_MESSAGES_MAX } from "./limits.ts";

export interface DeviceBound {
  readonly messageId: string;
  readonly payload: Uint8Array;
  readonly properties: Readonly<Record<string, string | null>>;
  readonly system: Readonly<Record<string, string>>;
  readonly expiresMs: number;
}

export interface Mailbox {
  /** Throws ServiceError 403 when 50 wait already. */
  put(message: Omit<DeviceBound, "expiresMs"> & { readonly lifeMs?: number }): void;
  /** The next one that waits, marked as handed out; undefined when there is none. */
  take(): DeviceBound | undefined;
  complete(messageId: string): void;
  /** The link broke: what was handed out and not completed waits again. */
  abandon(): void;
  readonly waiting: number;
}

interface Entry {
  readonly message: DeviceBound;
  deliveries: number;
  isOut: boolean;
}

export function createMailbox(
  nowMs: () => number,
  onOutcome: (messageId: string, outcome: "completed" | "expired" | "dead-lettered") => void,
): Mailbox {
  let entries: Entry[] = [];
  const drop = (entry: Entry, outcome: "completed" | "expired" | "dead-lettered"): void => {
    entries = entries.filter((other) => other !== entry);
    onOutcome(entry.message.messageId, outcome);
  };
  const expire = (): void => {
    for (const entry of entries) if (!entry.isOut && entry.message.expiresMs <= nowMs()) drop(entry, "expired");
  };
  return {
    put: ({ lifeMs = MAILBOX_LIFE_MS, ...message }) => {
      expire();
      if (entries.length >= MAILBOX_MESSAGES_MAX)
        throw new ServiceError(403, 403004, `${MAILBOX_MESSAGES_MAX} messages wait for the device already`);
      entries.push({ message: { ...message, expiresMs: nowMs() + lifeMs }, deliveries: 0, isOut: false });
    },
    take: () => {
      expire();
      const entry = entries.find(({ isOut }) => !isOut);
      if (!entry) return undefined;
      entry.isOut = true;
      entry.deliveries += 1;
      return entry.message;
    },
    complete: (messageId) => {
      const entry = entries.find(({ message, isOut }) => isOut && message.messageId === messageId);
      if (entry) drop(entry, "completed");
    },
    abandon: () => {
      for (const entry of entries.filter(({ isOut }) => isOut)) {
        entry.isOut = false;
        if (entry.deliveries >= MAILBOX_DELIVERIES_MAX) drop(entry, "dead-lettered");
      }
    },
    get waiting() {
      return entries.length;
    },
  };
}
