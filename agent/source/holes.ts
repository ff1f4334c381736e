/**
 * Registers merged across holes save requests, and some devices object to the registers in between: they refuse them
 * (Modbus exceptions 2, illegal data address, and 3, illegal data value) or say nothing. Such a read is asked for in
 * its parts from then on, until the description changes.
 */
import type { SerialRead } from "@pump-station/sensor-descriptions/model.ts";
import { WITHOUT_HOLES_AFTER_TIMEOUTS } from "../limits.ts";
import type { ExchangeResult } from "./exchange.ts";

const OBJECTIONS: ReadonlySet<number> = new Set([2, 3]);

export interface ReadResult {
  readonly channels: readonly string[];
  readonly result: ExchangeResult;
}

type Ask = (read: SerialRead) => Promise<ExchangeResult>;

export function createHoles(onObjection: (read: string, because: string) => void) {
  const objected = new Set<string>();
  const refusals = new Map<string, number>();
  const timeouts = new Map<string, number>();

  const object = (read: SerialRead, because: string): void => {
    objected.add(read.name);
    onObjection(read.name, because);
  };

  /** What refuses its parts, too, doesn't object to the holes; it may be starting up, so it is tried ever more rarely. */
  const afterRefusal = async (
    read: SerialRead,
    parts: readonly SerialRead[],
    ask: Ask,
    refused: ExchangeResult & { readonly kind: "refused" },
  ): Promise<readonly ReadResult[]> => {
    const count = (refusals.get(read.name) ?? 0) + 1;
    refusals.set(read.name, count);
    const whole = [{ channels: read.channels, result: refused }];
    if (!isPowerOfTwo(count)) return whole;
    const results = await askAll(parts, ask);
    if (!results.some(({ result }) => result.kind === "answer")) return whole;
    object(read, refused.text);
    return results;
  };

  /** A device that is silent to everything costs no more than before: a part is asked instead, not in addition. */
  const afterTimeouts = async (
    read: SerialRead,
    [first, ...others]: readonly SerialRead[],
    ask: Ask,
  ): Promise<readonly ReadResult[] | undefined> => {
    const count = timeouts.get(read.name) ?? 0;
    if (!first || count < WITHOUT_HOLES_AFTER_TIMEOUTS) return undefined;
    timeouts.set(read.name, 0);
    const result = await ask(first);
    if (result.kind !== "answer") return [{ channels: read.channels, result }];
    object(read, `no answer ${count} times, and answers a part of it`);
    return [{ channels: first.channels, result }, ...(await askAll(others, ask))];
  };

  return {
    read: async (read: SerialRead, ask: Ask): Promise<readonly ReadResult[]> => {
      const parts = read.withoutHoles ?? [];
      if (objected.has(read.name)) return askAll(parts, ask);
      const instead = await afterTimeouts(read, parts, ask);
      if (instead) return instead;
      const result = await ask(read);
      timeouts.set(read.name, result.kind === "timeout" ? (timeouts.get(read.name) ?? 0) + 1 : 0);
      if (parts.length > 0 && result.kind === "refused" && OBJECTIONS.has(result.code))
        return afterRefusal(read, parts, ask, result);
      return [{ channels: read.channels, result }];
    },
  };
}

async function askAll(reads: readonly SerialRead[], ask: Ask): Promise<readonly ReadResult[]> {
  const results: ReadResult[] = [];
  for (const read of reads) results.push({ channels: read.channels, result: await ask(read) });
  return results;
}

const isPowerOfTwo = (count: number): boolean => (count & (count - 1)) === 0;
