/** Samples by device, channel and time, over the blocks of all epochs and schemas of a stream. */
import { isAveraged, marksOf } from "@pump-station/agent/wire/averaged.ts";
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import type { Readings } from "../api/contract.ts";
import type { Database, SqlRow } from "../world.ts";
import { decodeRun } from "./block.ts";
import { type SqliteNames, uncertaintyOf } from "./sqlite-names.ts";
import { type ReadingsQuery, shown, streamChannels } from "./store.ts";

/** A sample on its way out: its time, epoch's number, sequence, and values in the order of the answer. */
interface Found {
  readonly time: number;
  readonly epochId: number;
  readonly sequence: number;
  readonly values: readonly (number | string)[];
  readonly uncertain: number | null | undefined;
  /** Of an average. */
  readonly marks: ReturnType<typeof marksOf> | undefined;
}

export function createSqliteReadings(database: Database, names: SqliteNames) {
  const columns = `block.epoch_id, block.first_sequence, block.schema_hash, block.from_ms, block.to_ms, block.body,
    coalesce(boot.offset_ms, 0) AS offset_ms, boot.dated, boot.earliest_ms FROM block LEFT JOIN boot ON boot.id = block.boot_id`;
  const sql = {
    stream: database.prepare("SELECT schema_hash, span_ms FROM stream WHERE id = ?"),
    ascending: database.prepare(
      `SELECT ${columns} WHERE stream_id = ? AND from_ms >= ? AND from_ms < ? AND to_ms >= ? ORDER BY from_ms, block.id`,
    ),
    descending: database.prepare(
      `SELECT ${columns} WHERE stream_id = ? AND from_ms >= ? AND from_ms < ? AND to_ms >= ? ORDER BY from_ms DESC, block.id DESC`,
    ),
    epoch: database.prepare("SELECT name FROM epoch WHERE id = ?"),
  };

  return (query: ReadingsQuery): Readings | undefined => {
    const stationId = names.station(query.station);
    const streamId = stationId === undefined ? undefined : names.findStream(stationId, query.device);
    const stream = streamId === undefined ? undefined : sql.stream.get(streamId);
    if (stationId === undefined || streamId === undefined || !stream || stream["schema_hash"] === null)
      return undefined;
    const schemaOf = (hash: string): StreamSchema => {
      const schema = names.schema(stationId, hash);
      if (!schema) throw new Error(`read ${query.station}/${query.device}: schema ${hash} is not stored`);
      return schema;
    };
    const channels = streamChannels(schemaOf(String(stream["schema_hash"]))).filter(
      ({ name }) => query.channel === undefined || name === query.channel,
    );
    if (channels.length === 0) return undefined;

    const spanMs = Number(stream["span_ms"]);
    const statement = query.order === "asc" ? sql.ascending : sql.descending;
    const blocks = statement.iterate(streamId, query.fromMs - spanMs, query.toMs, query.fromMs);
    const wanted = channels.map(({ name }) => name);
    const found = collect(blocks, query, spanMs, (row) => samplesOf(row, schemaOf(String(row["schema_hash"])), wanted));
    return {
      station: query.station,
      device: query.device,
      channels,
      ...answer(found, query),
    };
  };

  function answer(
    found: readonly Found[],
    { limit, order }: ReadingsQuery,
  ): Pick<Readings, "rows" | "epochs" | "next" | "uncertain" | "averaged"> {
    const count = pageLength(found, limit);
    const beyond = found[count];
    const last = found[count - 1];
    const epochIds = [...new Set(found.slice(0, count).map(({ epochId }) => epochId))].sort((a, b) => a - b);
    const nameOf = (id: number) => String(sql.epoch.get(id)?.["name"]);
    const uncertain = uncertainEpochs(found.slice(0, count));
    const averaged = found.slice(0, count).flatMap(({ marks }, at) => (marks ? [[at, ...marks] as const] : []));
    return {
      ...(uncertain.size > 0 && { uncertain: Object.fromEntries([...uncertain].map(([id, ms]) => [nameOf(id), ms])) }),
      ...(averaged.length > 0 && { averaged }),
      rows: found
        .slice(0, count)
        .map(({ time, epochId, sequence, values }) => [time, epochIds.indexOf(epochId), sequence, ...values] as const),
      epochs: epochIds.map(nameOf),
      // `from` is included, `to` is not: an ascending reader goes on with from=next, a descending one with to=next.
      next: beyond && last ? (order === "asc" ? beyond.time : last.time) : null,
    };
  }
}

/** In order of time: as many as the limit, those of the same time as the last, and one beyond, if there are. */
function collect(
  blocks: IterableIterator<SqlRow>,
  { fromMs, toMs, limit, order }: ReadingsQuery,
  spanMs: number,
  samplesOfBlock: (row: SqlRow) => Found[],
): Found[] {
  const sign = order === "asc" ? 1 : -1;
  const found: Found[] = [];
  // Blocks overlap in time when epochs do: stop only when no later block can reach before what is there already.
  let enough: number | undefined;
  for (const row of blocks) {
    const reach = order === "asc" ? Number(row["from_ms"]) : -(Number(row["from_ms"]) + spanMs);
    if (enough !== undefined && reach > enough) break;
    for (const sample of samplesOfBlock(row)) if (sample.time >= fromMs && sample.time < toMs) found.push(sample);
    if (found.length > limit && enough === undefined) {
      found.sort(byTime(sign));
      const lastTime = found[limit - 1]?.time;
      const beyond = found.find(({ time }, at) => at >= limit && time !== lastTime);
      if (beyond) enough = sign * beyond.time;
    }
  }
  return found.sort(byTime(sign));
}

function uncertainEpochs(found: readonly Found[]): Map<number, number | null> {
  const uncertain = new Map<number, number | null>();
  for (const { epochId, uncertain: ms } of found) if (ms !== undefined) uncertain.set(epochId, ms);
  return uncertain;
}

const byTime =
  (sign: number) =>
  (a: Found, b: Found): number =>
    sign * (a.time - b.time || a.epochId - b.epochId || a.sequence - b.sequence);

/** At most `limit`, but never between two samples of the same time, since the next page begins with a time. */
function pageLength(found: readonly Found[], limit: number): number {
  if (found.length <= limit) return found.length;
  const at = (index: number): number | undefined => found[index]?.time;
  let count = limit;
  while (count > 0 && at(count) === at(count - 1)) count--;
  if (count > 0) return count;
  count = limit;
  while (count < found.length && at(count) === at(count - 1)) count++;
  return count;
}

function samplesOf(row: SqlRow, schema: StreamSchema, wanted: readonly string[]): Found[] {
  const run = decodeRun(row["body"] as Uint8Array);
  const offsetMs = Number(row["offset_ms"]);
  const epochId = Number(row["epoch_id"]);
  const first = Number(row["first_sequence"]);
  const uncertain = uncertaintyOf(row);
  const places = wanted.map((name) => schema.channels.findIndex((channel) => channel.name === name));
  const isAverage = isAveraged(schema);
  return run.times.map((time, at) => ({
    time: time + offsetMs,
    epochId,
    sequence: first + at,
    uncertain,
    marks: isAverage ? marksOf(run.rows[at] ?? []) : undefined,
    values: places.map((place) => shown(run.rows[at]?.[place])),
  }));
}
