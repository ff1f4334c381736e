/**
 * How the channels of a stream become one value of a window: said with the schema where a description says more than is
 * usual, and kept beside the rows, which may outlive that description. By the hash of the averages' schema.
 */
import { averagedSchema, type Fold, type FoldKind, MARK_COUNT, usualFold } from "../wire/averaged.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import { type Tables, textOf } from "./tables.ts";

export interface Folds {
  /** Of a stream's own schema. Call inside a transaction. */
  keep(schema: StreamSchema, folds: readonly Fold[]): void;
  /** Of the averages' schema, one a channel but for the marks. */
  of(averaged: StreamSchema, hash: string): readonly Fold[];
}

const KINDS: readonly FoldKind[] = ["mean", "min", "max", "sum", "last", "vector mean"];

export function createFolds(tables: Tables): Folds {
  tables.run("CREATE TABLE IF NOT EXISTS folds (hash TEXT PRIMARY KEY, how TEXT NOT NULL) WITHOUT ROWID");
  return {
    keep: (schema, folds) => {
      const averaged = averagedSchema(schema);
      if (!averaged) return;
      const how = textFrom(folds);
      const isUsual = how === textFrom(schema.channels.map(usualFold));
      const hash = schemaHash(averaged);
      const known = tables.get("SELECT how FROM folds WHERE hash = ?", hash)?.["how"];
      if (isUsual && known !== undefined) tables.run("DELETE FROM folds WHERE hash = ?", hash);
      if (!isUsual && known !== how) tables.run("INSERT OR REPLACE INTO folds (hash, how) VALUES (?, ?)", hash, how);
    },
    of: ({ channels }, hash) => {
      const known = tables.get("SELECT how FROM folds WHERE hash = ?", hash);
      const said = known ? foldsFrom(textOf(known, "how")) : [];
      return channels.slice(0, -MARK_COUNT).map((channel, at) => said[at] ?? usualFold(channel));
    },
  };
}

/** "mean", "max", "vector mean/speed": a line each; names have no line ends. */
const textFrom = (folds: readonly Fold[]): string =>
  folds.map(({ by, weight }) => (weight === undefined ? by : `${by}/${weight}`)).join("\n");

const foldsFrom = (text: string): (Fold | undefined)[] =>
  text.split("\n").map((line) => {
    const [by, ...weight] = line.split("/");
    const kind = KINDS.find((known) => known === by);
    return kind && { by: kind, ...(weight.length > 0 && { weight: weight.join("/") }) };
  });
