/**
 * What a device says of itself in words (serial number, firmware) doesn't change while it runs: it is asked once, when
 * the device has appeared, and again when it comes back after a silence, for it may be another one then.
 */
import type { SerialRead } from "@pump-station/sensor-descriptions/model.ts";
import { TEXTS_TRIES } from "../limits.ts";
import type { ExchangeResult } from "./exchange.ts";

export interface TextsOnce {
  /** Whether this read is to be asked; always for one that brings values. */
  isWanted(read: SerialRead): boolean;
  asked(read: SerialRead, result: ExchangeResult): void;
  /** The device may be another one. */
  forget(): void;
}

export const isTextsOnly = ({ channels, texts }: SerialRead): boolean => channels.length === 0 && texts !== undefined;

export function createTextsOnce(): TextsOnce {
  const tries = new Map<string, number>();
  return {
    isWanted: (read) => !isTextsOnly(read) || (tries.get(read.name) ?? 0) < TEXTS_TRIES,
    asked: ({ name }, { kind }) => {
      const isOver = kind === "answer" || kind === "refused";
      tries.set(name, isOver ? TEXTS_TRIES : (tries.get(name) ?? 0) + 1);
    },
    forget: () => tries.clear(),
  };
}
