/** The samples of one window, by stream, and what each stream keeps of them. Writes nothing but the averages' schema. */
import type { ChannelValue } from "../reading.ts";
import { averagedSchema, type Fold, isAveraged, MARK_COUNT } from "../wire/averaged.ts";
import type { StreamBlock } from "../wire/messages.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import { foldParts, type Part, withoutUnchanged } from "./fold.ts";
import type { Folds } from "./folds.ts";
import { batchFromBody, type Row } from "./row.ts";
import type { Schemas } from "./schemas.ts";

/** What is sent for a stream and window: a sole sample as it was, or an average. */
export interface Kept {
  readonly stream: string;
  readonly schemaHash: string;
  readonly time: number;
  readonly values: readonly ChannelValue[];
  /** Of the samples that it stands for; it will have one of these, or of a neighbour's. */
  readonly sequences: readonly number[];
}

/** Each stream's last numbers, by `keyOf`; "unchanged" where they aren't known. */
export type Held = Map<string, readonly ChannelValue[]>;

interface Averages {
  readonly hash: string;
  readonly schema: StreamSchema;
  readonly folds: readonly Fold[];
}

export interface WindowSamples {
  /** `held` goes on with what the window's samples say. */
  keptOf(rows: readonly Row[], windowMs: number, held: Held): Kept[];
  /** The same for a stream's samples and their averages. */
  keyOf(block: Pick<StreamBlock, "stream" | "schemaHash">): string;
}

interface Member extends Part {
  readonly sequence: number;
  readonly time: number;
}

interface Group {
  readonly stream: string;
  /** Undefined where there can't be any: a device with as many channels as a schema may have. */
  readonly averages: Averages | undefined;
  readonly members: Member[];
  /** Of the newest member, and whether that is an average. */
  schemaHash: string;
  isOne: boolean;
}

export function createWindowSamples({ schemas, folds }: { schemas: Schemas; folds: Folds }): WindowSamples {
  const known = new Map<string, Averages | undefined>();
  const averagesOf = (hash: string): Averages | undefined => {
    if (!known.has(hash)) known.set(hash, findAverages(schemas.of(hash), folds));
    return known.get(hash);
  };
  const keyOf: WindowSamples["keyOf"] = ({ stream, schemaHash: hash }) => `${averagesOf(hash)?.hash ?? hash}/${stream}`;

  const groupsOf = (rows: readonly Row[]): Map<string, Group> => {
    const groups = new Map<string, Group>();
    for (const block of rows.flatMap((row) => batchFromBody(row.body, schemas.of).blocks)) {
      const averages = averagesOf(block.schemaHash);
      const own = { schemaHash: block.schemaHash, isOne: averages?.hash === block.schemaHash };
      const group = groups.get(keyOf(block)) ?? { stream: block.stream, averages, members: [], ...own };
      groups.set(keyOf(block), Object.assign(group, own));
      group.members.push(...membersOf(block, own.isOne));
    }
    return groups;
  };

  const fold = ({ stream, averages, members, ...own }: Group, parts: readonly Part[], windowMs: number): Kept[] => {
    const sequences = members.map(({ sequence }) => sequence);
    const marked = (values: readonly ChannelValue[], samples: number) => [...values, samples, windowMs / 1_000];
    if (!averages || members.length === 1)
      return members.map(({ samples, time, sequence }, at) => {
        const values = parts[at]?.values ?? [];
        const said = own.isOne ? marked(values, samples) : values;
        return { stream, schemaHash: own.schemaHash, time, values: said, sequences: [sequence] };
      });
    schemas.declare(averages.schema);
    const values = foldParts(parts, averages.schema.channels.slice(0, -MARK_COUNT), averages.folds);
    const samples = parts.reduce((sum, part) => sum + part.samples, 0);
    const time = members.at(-1)?.time ?? 0;
    return [{ stream, schemaHash: averages.hash, time, values: marked(values, samples), sequences }];
  };

  return {
    keyOf,
    keptOf: (rows, windowMs, held) =>
      [...groupsOf(rows)].flatMap(([key, group]) => {
        const said = withoutUnchanged(group.members, held.get(key));
        held.set(key, said.held);
        return fold(group, said.parts, windowMs);
      }),
  };
}

function findAverages(schema: StreamSchema | undefined, folds: Folds): Averages | undefined {
  const averaged = schema && (isAveraged(schema) ? schema : averagedSchema(schema));
  if (!averaged) return undefined;
  const hash = schemaHash(averaged);
  return { hash, schema: averaged, folds: folds.of(averaged, hash) };
}

function membersOf({ sequence, times, rows }: StreamBlock, isOne: boolean): Member[] {
  return rows.map((row, at) => {
    const stands = isOne ? row.at(-MARK_COUNT) : 1;
    return {
      values: isOne ? row.slice(0, -MARK_COUNT) : row,
      samples: typeof stands === "number" && stands > 0 ? stands : 1,
      sequence: sequence + at,
      time: times[at] ?? 0,
    };
  });
}
