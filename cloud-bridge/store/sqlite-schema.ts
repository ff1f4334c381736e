/**
 * The tables of version 1; later versions only add. `PRAGMA user_version` says which one a file has.
 *
 * A block is a run of consecutive samples of one stream and epoch (`block.ts`). The times in its body are on its basis:
 * the wall when boot_id is null, else wall = time + boot.offset_ms. from_ms, to_ms and alarm times are on the wall, so
 * a boot that is dated anew moves them.
 */
import type { Database } from "../world.ts";

const VERSION = 7;

const TABLES = `
CREATE TABLE station (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  credential TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  last_seen_ms INTEGER,
  messages INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  samples INTEGER NOT NULL DEFAULT 0,
  readings INTEGER NOT NULL DEFAULT 0,
  quarantined INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE schema (
  station_id INTEGER NOT NULL REFERENCES station(id),
  hash TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (station_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE epoch (
  id INTEGER PRIMARY KEY,
  station_id INTEGER NOT NULL REFERENCES station(id),
  name TEXT NOT NULL,
  UNIQUE (station_id, name)
) STRICT;

CREATE TABLE stream (
  id INTEGER PRIMARY KEY,
  station_id INTEGER NOT NULL REFERENCES station(id),
  name TEXT NOT NULL,
  schema_hash TEXT,
  samples INTEGER NOT NULL DEFAULT 0,
  -- The longest block, so that a search by time knows how far before its beginning a block may start.
  span_ms INTEGER NOT NULL DEFAULT 0,
  UNIQUE (station_id, name)
) STRICT;

CREATE TABLE ledger (
  epoch_id INTEGER NOT NULL REFERENCES epoch(id),
  stream_id INTEGER NOT NULL REFERENCES stream(id),
  stored TEXT NOT NULL DEFAULT '[]',
  dropped TEXT NOT NULL DEFAULT '[]',
  closed_at INTEGER,
  changed_ms INTEGER NOT NULL,
  gap_since_ms INTEGER,
  PRIMARY KEY (epoch_id, stream_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE boot (
  id INTEGER PRIMARY KEY,
  station_id INTEGER NOT NULL REFERENCES station(id),
  name TEXT NOT NULL,
  offset_ms INTEGER NOT NULL,
  -- 0: estimated from the arrival; 1: told by the station.
  dated INTEGER NOT NULL,
  UNIQUE (station_id, name)
) STRICT;

CREATE TABLE block (
  id INTEGER PRIMARY KEY,
  stream_id INTEGER NOT NULL REFERENCES stream(id),
  epoch_id INTEGER NOT NULL REFERENCES epoch(id),
  first_sequence INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  schema_hash TEXT NOT NULL,
  boot_id INTEGER REFERENCES boot(id),
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX block_by_sequence ON block (stream_id, epoch_id, first_sequence);
CREATE INDEX block_by_time ON block (stream_id, from_ms);
CREATE INDEX block_by_boot ON block (boot_id) WHERE boot_id IS NOT NULL;

CREATE TABLE alarm (
  id INTEGER PRIMARY KEY,
  station_id INTEGER NOT NULL REFERENCES station(id),
  epoch_id INTEGER NOT NULL REFERENCES epoch(id),
  sequence INTEGER NOT NULL,
  boot_id INTEGER REFERENCES boot(id),
  time_ms INTEGER NOT NULL,
  device TEXT NOT NULL,
  alarm TEXT NOT NULL,
  severity TEXT NOT NULL,
  active INTEGER NOT NULL,
  because TEXT NOT NULL,
  UNIQUE (epoch_id, sequence)
) STRICT;
CREATE INDEX alarm_by_time ON alarm (station_id, time_ms);
CREATE INDEX alarm_by_name ON alarm (station_id, device, alarm, time_ms);

CREATE TABLE aside (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  station_id INTEGER NOT NULL REFERENCES station(id),
  topic TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  payload BLOB NOT NULL,
  reason TEXT NOT NULL,
  wants_schema TEXT
) STRICT;
CREATE INDEX aside_by_station ON aside (station_id, wants_schema);

CREATE TABLE conflict (
  id INTEGER PRIMARY KEY,
  station_id INTEGER NOT NULL REFERENCES station(id),
  epoch TEXT NOT NULL,
  stream TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  stored TEXT NOT NULL,
  arrived TEXT NOT NULL
) STRICT;
CREATE INDEX conflict_by_station ON conflict (station_id);

CREATE TABLE twin (
  station_id INTEGER PRIMARY KEY REFERENCES station(id),
  desired TEXT NOT NULL,
  reported TEXT NOT NULL,
  versions TEXT NOT NULL
) STRICT;
`;

/** Version 2: of a boot whose clock was never set, the earliest offset that is possible; offset_ms is the latest. */
const SINCE_VERSION_2 = "ALTER TABLE boot ADD COLUMN earliest_ms INTEGER;";

/** Version 3: whether somebody was on site when an alarm began or ended. */
const SINCE_VERSION_3 = "ALTER TABLE alarm ADD COLUMN on_site INTEGER NOT NULL DEFAULT 0;";

/**
 * Version 4: certificates (a token is good for one key), and who was thrown out, in the order in which it happened, so
 * that a bridge that runs learns what a command line beside it has done.
 */
const SINCE_VERSION_4 = `
CREATE TABLE certificate (
  serial TEXT PRIMARY KEY,
  station_id INTEGER NOT NULL REFERENCES station(id),
  key_hash TEXT NOT NULL,
  pem TEXT NOT NULL,
  issued_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  used_ms INTEGER,
  revoked_ms INTEGER
) STRICT;
CREATE INDEX certificate_by_station ON certificate (station_id, issued_ms);

CREATE TABLE enrolment_token (
  station_id INTEGER PRIMARY KEY REFERENCES station(id),
  hash TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  key_hash TEXT
) STRICT;

CREATE TABLE revocation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  station_id INTEGER NOT NULL REFERENCES station(id),
  -- NULL: the station's password.
  serial TEXT,
  at_ms INTEGER NOT NULL
) STRICT;
`;

/** Version 5: files that stations send in parts. */
const SINCE_VERSION_5 = `
CREATE TABLE file_part (
  station_id INTEGER NOT NULL REFERENCES station(id),
  sha256 TEXT NOT NULL,
  part INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (station_id, sha256, part)
) STRICT;

CREATE TABLE file (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  station_id INTEGER NOT NULL REFERENCES station(id),
  sha256 TEXT NOT NULL,
  name TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (station_id, sha256)
) STRICT;
`;

/**
 * Version 6: when a newer certificate of the station had worked, and when the station first came with a newer one. What
 * was issued before either is refused as the station.
 */
const SINCE_VERSION_6 = `
ALTER TABLE certificate ADD COLUMN superseded_ms INTEGER;
ALTER TABLE certificate ADD COLUMN replaced_ms INTEGER;
`;

/** Version 7: commands for stations that are away; `body` is the WaitingCommand as JSON. */
const SINCE_VERSION_7 = `
CREATE TABLE command (
  station_id INTEGER NOT NULL REFERENCES station(id),
  id TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (station_id, id)
) STRICT;
`;

/** What each version adds to the one before it. */
const STEPS = [
  TABLES,
  SINCE_VERSION_2,
  SINCE_VERSION_3,
  SINCE_VERSION_4,
  SINCE_VERSION_5,
  SINCE_VERSION_6,
  SINCE_VERSION_7,
];

/** Throws when a newer release has written the file: it is left as it is. */
export function migrate(database: Database): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version === VERSION) return;
  if (version > VERSION)
    throw new Error(`open the store: its version ${version} is newer than this program's ${VERSION}`);
  const missing = STEPS.slice(version).join("\n");
  database.transaction(() => database.exec(`${missing}PRAGMA user_version = ${VERSION};`));
}
