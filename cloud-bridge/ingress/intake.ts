/**
 * From a broker's message to the store's commit: only then the broker may acknowledge. What can't be read is kept aside
 * with its bytes and acknowledged, so that it holds up nobody; what waits for a schema is read when that arrives.
 */
import { STATION_EVENTS } from "@pump-station/agent/wire/messages.ts";
import { GROUP_BYTES_MAX, GROUP_MESSAGES_MAX, GROUP_READINGS_MAX, GROUP_WAIT_MS, QUEUE_BYTES_MAX } from "../limits.ts";
import { createGroupQueue } from "../queue/group-queue.ts";
import type { Commands } from "../route/commands.ts";
import type { Live } from "../route/live.ts";
import type { Receipts } from "../route/receipts.ts";
import { journalEntry, type Store, type StoreEntry, type Written } from "../store/store.ts";
import type { TwinAuthority } from "../twin/authority.ts";
import type { Clock, Log, StationMessage, Timers } from "../world.ts";
import { isSchemaTopic, type ReadMessage, readingsIn, readMessage } from "./read-message.ts";
import { createSchemaShelf } from "./schema-shelf.ts";

export interface Intake {
  /** Resolves when the message is durable (or answered); rejects when it must come again. */
  accept(message: StationMessage): Promise<void>;
  close(): Promise<void>;
}

export interface IntakeDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly twins: TwinAuthority;
  readonly commands: Pick<Commands, "onAnswer">;
  readonly receipts: Receipts;
  readonly live: Live;
}

/** A message on its way through the queue; what it says is known once its group is stored. */
interface Delivery {
  readonly message: StationMessage;
  read: ReadMessage | undefined;
}
interface Read<D extends Delivery> {
  readonly delivery: D;
  readonly read: ReadMessage;
}

/** What is to be stored, and the message that said so. */
interface Planned {
  readonly message: StationMessage;
  readonly entry: StoreEntry;
}

export function createIntake(deps: IntakeDeps): Intake {
  const { store, clock, log } = deps;
  const schemas = createSchemaShelf(store);
  const queue = createGroupQueue<Delivery>(
    { timers: deps.timers, work: takeGroup },
    ({ message: { topic, payload } }) => topic.length + payload.length,
    {
      queueBytesMax: QUEUE_BYTES_MAX,
      groupBytesMax: GROUP_BYTES_MAX,
      groupItemsMax: GROUP_MESSAGES_MAX,
      waitMs: GROUP_WAIT_MS,
    },
  );

  async function takeGroup(group: readonly Delivery[]): Promise<void> {
    const atMs = clock.wallMs();
    const stations = new Set(group.map(({ message }) => message.station));
    try {
      await schemas.load(stations);
      for (const part of readInParts(group, atMs)) {
        await commit(part.flatMap(({ delivery, read }) => planned(delivery.message, read, atMs)));
        await othersTurn();
        for (const { delivery, read } of part) {
          if (read.say === "store" && read.entry.kind === "schema")
            await readWaiting(delivery.message.station, read.entry.hash, atMs);
        }
      }
    } catch (error) {
      schemas.forget(stations);
      const only = group.length === 1 ? group[0] : undefined;
      if (!only) throw error;
      await giveUp(only.message, atMs, error);
    }
    for (const station of stations) deps.live.touch(station);
  }

  /**
   * Schemas first, so that a batch that overtook its schema within the group is read with it. A few KB can inflate to
   * half a million readings: each part is stored, and the event loop gets its turn, before the next one is inflated.
   */
  function* readInParts<D extends Delivery>(group: readonly D[], atMs: number): Generator<readonly Read<D>[]> {
    const [declaring, others] = [group.filter(isSchema), group.filter((each) => !isSchema(each))];
    let part: Read<D>[] = [];
    let readings = 0;
    for (const delivery of [...declaring, ...others]) {
      const read = readOne(delivery.message, atMs);
      delivery.read = read;
      part.push({ delivery, read });
      readings += readingsIn(read);
      if (readings < GROUP_READINGS_MAX) continue;
      yield part;
      [part, readings] = [[], 0];
    }
    if (part.length > 0) yield part;
  }

  function readOne(message: StationMessage, atMs: number): ReadMessage {
    const read = readMessage(message, (hash) => schemas.find(message.station, hash), atMs);
    if (read.say === "store" && read.entry.kind === "schema") {
      schemas.put(message.station, read.entry.hash, read.entry.schema);
    }
    return read;
  }

  /** Messages that waited for a schema which is stored now; after a crash in between, the schema is asked for again. */
  async function readWaiting(station: string, hash: string, atMs: number): Promise<void> {
    const waiting = await store.waitingForSchema(station, hash);
    if (waiting.length === 0) return;
    log("info", "ingress-schema-arrived", { station, hash, messages: waiting.length });
    const group = waiting.map(({ id, topic, payload }) => ({
      id,
      message: { station, topic, payload },
      read: undefined,
    }));
    for (const part of readInParts<Delivery & { readonly id: number }>(group, atMs)) {
      const plan = part.flatMap(({ delivery: { id, message }, read }): Planned[] => [
        { message, entry: { station, atMs, kind: "aside-resolved", id } },
        ...entryOf(message, read, atMs),
      ]);
      await commit(plan);
      await othersTurn();
    }
  }

  const othersTurn = (): Promise<void> => new Promise((resolve) => void deps.timers.after(0, resolve));

  async function commit(plan: readonly Planned[]): Promise<void> {
    const written = await store.write(plan.map(({ entry }) => entry));
    const refused: Planned[] = [];
    for (const [at, { message, entry }] of plan.entries()) {
      const outcome = written[at];
      if (!outcome) continue;
      tell(entry, outcome);
      if (outcome.refused === null) continue;
      if (entry.kind === "schema") schemas.forget([entry.station]);
      refused.push(asideOf(message, `refused: ${outcome.refused}`, null, entry.atMs));
    }
    if (refused.length > 0) await commit(refused);
  }

  function tell({ station }: StoreEntry, { samples, alarms, aside, duplicates, conflicts }: Written): void {
    if (conflicts.length > 0) log("error", "store-conflict", { station, count: conflicts.length, first: conflicts[0] });
    if (duplicates > 0) log("debug", "store-duplicates", { station, duplicates });
    if (samples.length > 0 || alarms.length > 0 || duplicates > 0) deps.receipts.touch(station);
    deps.live.samples(station, samples);
    for (const data of alarms) {
      if (data.device !== STATION_EVENTS) deps.live.publish({ station, event: "alarm", data });
      else deps.live.publish({ station, event: "journal", data: journalEntry(data) });
    }
    if (aside) {
      log("warn", "ingress-set-aside", { station, topic: aside.topic, bytes: aside.bytes, reason: aside.reason });
      deps.live.publish({ station, event: "quarantine", data: aside });
    }
  }

  async function answer({ station }: StationMessage, read: ReadMessage): Promise<void> {
    if (read.say === "schema-wanted") deps.receipts.wantSchema(station, read.hash);
    if (read.say === "twin-get") await deps.twins.onGet(station, read.rid);
    if (read.say === "twin-report") await deps.twins.onReport(station, read.rid, read.payload);
    if (read.say === "command-answer") deps.commands.onAnswer(station, read.id, read.payload);
  }

  /** A message on which our own code fails is kept aside; if even that fails (disk full), it must come again. */
  async function giveUp({ station, topic, payload }: StationMessage, atMs: number, error: unknown): Promise<void> {
    log("error", "ingress-failed", { station, topic, bytes: payload.length, error });
    const reason = `could not be stored: ${error instanceof Error ? error.message : String(error)}`;
    await commit([asideOf({ station, topic, payload }, reason, null, atMs)]);
  }

  return {
    accept: async (message) => {
      const delivery: Delivery = { message, read: undefined };
      await queue.add(delivery);
      if (delivery.read === undefined) return;
      // Outside the group: a station that doesn't read its answers holds up its own messages, nobody else's.
      await answer(message, delivery.read).catch((error: unknown) => giveUp(message, clock.wallMs(), error));
    },
    close: () => queue.close(),
  };
}

const isSchema = ({ message }: Delivery): boolean => isSchemaTopic(message.topic);

function planned(message: StationMessage, read: ReadMessage, atMs: number): Planned[] {
  const bytes = read.say === "unreadable" ? 0 : message.payload.length;
  return [
    { message, entry: { station: message.station, atMs, kind: "message", bytes } },
    ...entryOf(message, read, atMs),
  ];
}

function entryOf(message: StationMessage, read: ReadMessage, atMs: number): Planned[] {
  switch (read.say) {
    case "store":
      return [{ message, entry: read.entry }];
    case "unreadable":
      return [asideOf(message, read.reason, null, atMs)];
    case "schema-wanted":
      return [asideOf(message, `schema-wanted: ${read.hash}`, read.hash, atMs)];
    default:
      return [];
  }
}

function asideOf(message: StationMessage, reason: string, wantsSchema: string | null, atMs: number): Planned {
  const { station, topic, payload } = message;
  return {
    message,
    entry: { station, atMs, kind: "aside", topic, payload, reason: reason.slice(0, 500), wantsSchema },
  };
}
