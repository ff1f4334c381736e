/** One opening of the buffer's file: opened, rescued if need be, former epochs closed, a new one begun. */
import type { Clock, Databases, Log } from "../world.ts";
import { DatabaseError } from "../world.ts";
import { createDating, type Dating, prepareDating } from "./dating.ts";
import { beginEpoch, closeFormerEpochs, type Epoch, forgetSettledEpochs, lastsOf } from "./epochs.ts";
import { queueLedger } from "./messages.ts";
import { createPace, type Pace } from "./pace.ts";
import { createReminder, type Reminder } from "./remind.ts";
import { isDamage, type OwnEpoch, rescue } from "./rescue.ts";
import { countWaiting, type Waiting } from "./rows.ts";
import { createSchemas, type Schemas } from "./schemas.ts";
import { addMissingColumns, NewerFileError, openTables, type Tables } from "./tables.ts";
import { createThinner, type Thinner } from "./thin.ts";

export interface Session {
  readonly tables: Tables;
  readonly epoch: Epoch;
  readonly schemas: Schemas;
  readonly reminder: Reminder;
  dating: Dating;
  /** Each stream's highest committed sequence of this epoch. */
  readonly lasts: Map<string, number>;
  /** Id of the next row. */
  nextRow: number;
  waiting: Waiting;
  readonly pace: Pace;
  /** Where averages take the place of what waits. */
  readonly thinner: Thinner | undefined;
}

export interface SessionDeps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SessionConfig {
  readonly path: string;
  readonly bytesMax: number;
  /** When full, the older half of what waits becomes averages of this window, instead of the oldest going. */
  readonly thinToMs?: number;
  /** The name of the epoch to begin. */
  readonly epoch: string;
  /** The epoch that this process wrote before, and its last row for certain: a later one was never promised. */
  readonly former?: OwnEpoch & { readonly lastRow: number };
}

/** Each stream's highest sequence in an epoch: of the own one as RAM knows it. */
export const lastsIn = (session: Session, epoch: Epoch): ReadonlyMap<string, number> =>
  epoch.id === session.epoch.id ? session.lasts : lastsOf(session.tables, epoch);

/** Throws DatabaseError when the medium fails; damage and newer files are set aside and don't. */
export function openSession(deps: SessionDeps, config: SessionConfig): Session {
  try {
    return beginSession(deps, config, openTables(deps.databases, config.path, config.bytesMax));
  } catch (error) {
    if (error instanceof NewerFileError) {
      const aside = deps.databases.setAside(config.path, "newer");
      deps.log("error", "buffer-newer-set-aside", { aside, error: error.message });
      return beginSession(deps, config, openTables(deps.databases, config.path, config.bytesMax));
    }
    if (!isDamage(error)) throw error;
    return rescueSession(deps, config, error);
  }
}

/** The damaged file is kept under a new name; what can be read of it goes on. */
export function rescueSession(deps: SessionDeps, config: SessionConfig, cause: Error): Session {
  const aside = deps.databases.setAside(config.path, "corrupt");
  const fresh = openTables(deps.databases, config.path, config.bytesMax);
  const damaged = aside === config.path ? undefined : openDamaged(deps, aside, config.bytesMax);
  try {
    const rescued = damaged && fresh.transaction(() => rescue(damaged, fresh, config.former, deps.log));
    deps.log("error", "buffer-rescued", { aside, ...rescued, error: cause.message });
  } finally {
    damaged?.close();
  }
  return beginSession(deps, config, fresh);
}

function openDamaged({ databases, log }: SessionDeps, aside: string, bytesMax: number): Tables | undefined {
  try {
    return openTables(databases, aside, bytesMax, true);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    log("error", "buffer-unreadable", { aside, error: error.message });
    return undefined;
  }
}

function beginSession({ clock }: SessionDeps, config: SessionConfig, tables: Tables): Session {
  try {
    return tables.transaction(() => {
      addMissingColumns(tables);
      if (config.former) discardUnpromised(tables, config.former);
      for (const message of closeFormerEpochs(tables)) queueLedger(tables, message);
      forgetSettledEpochs(tables);
      const epoch = beginEpoch(tables, config.epoch, clock.bootId);
      const schemas = createSchemas(tables, clock);
      prepareDating(tables, clock.bootId);
      const dating = createDating(clock, tables);
      const session: Session = {
        tables,
        epoch,
        schemas,
        reminder: createReminder({ tables, epoch }, clock),
        dating,
        lasts: new Map(),
        nextRow: epoch.firstRow,
        waiting: countWaiting(tables),
        pace: createPace(clock, tables),
        thinner:
          config.thinToMs === undefined
            ? undefined
            : createThinner({ tables, schemas, dating: () => session.dating }, config.thinToMs),
      };
      return session;
    });
  } catch (error) {
    tables.close();
    throw error;
  }
}

/** A commit that failed may be on disk all the same; its samples are stored again in the new epoch. */
function discardUnpromised(tables: Tables, { epoch, lastRow }: { epoch: string; lastRow: number }): void {
  tables.run("DELETE FROM rows WHERE id > ? AND epoch_id = (SELECT id FROM epochs WHERE epoch = ?)", lastRow, epoch);
}
