/** Every bound with its unit and its reason. `limits.test.ts` asserts how they relate. */

/** The largest message that a station may send (the agent's own bound); strict decoding starts behind it. */
export const MESSAGE_BYTES_MAX = 64 * 1024;
/** One MQTT packet: a message, its topic with a property bag, and the header. */
export const PACKET_BYTES_MAX = MESSAGE_BYTES_MAX + 4 * 1024;
/** Connections at once: a fleet that outgrows one process outgrows this broker too. */
export const CONNECTIONS_MAX = 10_000;
/** QoS 2 messages that wait for their PUBREL, per connection: each is held in RAM. Our stations use QoS 1. */
export const INFLIGHT_QOS2_MAX = 16;
/** TLS handshake and CONNECT must be done by then, so that idle sockets don't pile up. */
export const CONNECT_DEADLINE_MS = 15_000;
/**
 * A quiet connection is probed after so long: the last resort against one whose other end has vanished, after MQTT's own
 * keep-alive (1.5 times what the station announced, at most 1767 s). Sooner it would cost a station that announces more
 * 104 bytes of its mobile link each time, and keep it from learning how long its network leaves a link alone.
 */
export const TCP_KEEPALIVE_MS = 1_800_000;
/** For so long a station may take up its TLS session again instead of a full handshake; Node's default is 5 min. */
export const TLS_SESSION_S = 86_400;

/** Waiting between ingress and store. Beyond it a station's connection is closed, and it comes back after its back-off. */
export const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** One transaction: long enough to share an fsync, short enough to leave the event loop to others within about 50 ms. */
export const GROUP_BYTES_MAX = 512 * 1024;
export const GROUP_MESSAGES_MAX = 256;
/** Readings decoded before they are stored and forgotten: about 50 ms and 20 MB. */
export const GROUP_READINGS_MAX = 200_000;
/** The agent's largest batch: 20,000 samples of 32 channels. More is a bomb, since deflate packs zeros 1,000 to 1. */
export const READINGS_PER_MESSAGE_MAX = 640_000;
/** A lone message waits this long for others to share its fsync. */
export const GROUP_WAIT_MS = 2;

/** Stations whose schemas are at hand in RAM (a few KB each); more than one group can name. */
export const SCHEMA_STATIONS_MAX = 2_000;

/** Streams of one station: devices plus alarms; a station that names more is broken. */
export const STREAMS_PER_STATION_MAX = 256;
/** Schemas of one station: one per stream and change of its description; all of them are held in RAM while it sends. */
export const SCHEMAS_PER_STATION_MAX = 4 * STREAMS_PER_STATION_MAX;
/** Fragments of one epoch's stream: each further one costs a rewrite of the list. */
export const RANGES_PER_LEDGER_MAX = 4_096;
/** A file that a station sends in parts: the agent's own bound is half of it. */
export const FILE_BYTES_MAX = 1024 * 1024;
/** Parts of a file, each at most a message. */
export const FILE_PARTS_MAX = 64;
/** Parts of one station's files that aren't whole yet, and whole files; the newest stay. */
export const FILE_PARTS_WAITING_MAX = 2 * FILE_PARTS_MAX;
export const FILES_PER_STATION_MAX = 8;
/** Descriptions of one station, beside those: what runs, and what a roll-back may come to. */
export const DESCRIPTIONS_PER_STATION_MAX = 4;
/** The station gives a file up after a day of running; a board that was off in between may take longer. */
export const FILE_PARTS_LIFE_MS = 7 * 86_400_000;
/** A description goes to who asks for it in parts of so many bytes (agent/limits.ts has the same). */
export const DESCRIPTION_PART_BYTES = 32 * 1024;
/** Sequences stay exact in a JavaScript number and in CBOR's 32-bit fast path: 136 years at one a second. */
export const SEQUENCE_MAX = 0xffff_ffff;
/** 2 · 10^14 ms is the year 8307; times and their differences of differences stay exact below 2^53. */
export const TIME_MS_MAX = 200_000_000_000_000;
/** Kept aside per station (undecodable, or waiting for a schema); the oldest goes first, counted. */
export const ASIDE_PER_STATION_MAX = 1_000;
/** Samples that came twice with different content, kept for inspection per station; the newest. */
export const CONFLICTS_PER_STATION_MAX = 1_000;

/** Twin document, each side (AWS IoT Core: 8 KB), nesting and key length. */
export const TWIN_BYTES_MAX = 8 * 1024;
export const TWIN_DEPTH_MAX = 5;
export const TWIN_KEY_LENGTH_MAX = 64;

/** HTTP request body: a twin patch with room for white space. */
export const HTTP_BODY_BYTES_MAX = 2 * TWIN_BYTES_MAX;
/** Connections to the API at once, so that idle ones don't take the file handles that stations need. */
export const HTTP_CONNECTIONS_MAX = 512;
/** Listeners of server-sent events at once. */
export const EVENT_CLIENTS_MAX = 64;
/** A listener that lets this much pile up is cut off; its browser reconnects and reads the rest through the API. */
export const EVENT_CLIENT_BYTES_MAX = 1024 * 1024;
/** A comment line, so that proxies don't close a quiet stream. */
export const EVENT_HEARTBEAT_MS = 15_000;
export const READINGS_LIMIT_DEFAULT = 1_000;
/** A page is read and encoded in one turn of the event loop: 100,000 rows held it for up to a second. */
export const READINGS_LIMIT_MAX = 20_000;
export const LIST_LIMIT_DEFAULT = 100;
export const LIST_LIMIT_MAX = 1_000;
/** Wrong tokens from one address per minute before 429. */
export const WRONG_TOKENS_PER_MINUTE_MAX = 20;

/** A station's certificate, and how long after its end it may still ask for the next one: off from autumn to spring. */
export const CERTIFICATE_LIFE_MS_DEFAULT = 365 * 86_400_000;
export const RENEWAL_GRACE_MS_DEFAULT = 180 * 86_400_000;
/** How long one may still ask for the next after a newer one has worked: a board set up again from last week's copy. */
export const SUPERSEDED_GRACE_MS = 7 * 86_400_000;
/** An enrolment token: made at the desk, used when somebody is at the lake. */
export const ENROLMENT_TOKEN_LIFE_MS_DEFAULT = 7 * 86_400_000;
/** How soon a connection ends that was revoked by a command line beside the bridge. */
export const REVOCATION_LOOK_MS = 1_000;

/** A command that isn't answered by then counts as unknown; it tells the station the same as its expiry. */
export const COMMAND_DEADLINE_MS = 30_000;
/** A command waits for a station that is away at most a day: what shall be for longer is a setting. */
export const COMMAND_WAIT_MS_MAX = 86_400_000;
/** Commands that wait for one station that is away, and as many that have ended and are still looked up. */
export const COMMANDS_KEPT_PER_STATION = 32;
/** Commands waiting for an answer, of all stations. */
export const COMMANDS_WAITING_MAX = 1_000;

/** Receipts are counted once a day when the configuration says nothing: their bytes are paid for too. */
export const RECEIPT_EVERY_MS_DEFAULT = 24 * 3_600_000;
/** Never more often, so that a burst of messages costs one receipt. */
export const RECEIPT_EVERY_MS_MIN = 1_000;
/** Ledgers in one receipt: about 20 bytes each keeps it within one metering unit of 4 KB. */
export const RECEIPT_LEDGERS_MAX = 100;
/** Ranges in one ledger message: at most 18 bytes each keeps it below MESSAGE_BYTES_MAX. */
export const RECEIPT_RANGES_MAX = 2_000;
/** Of a station that connects: what has changed within this time is confirmed once more. */
export const RECEIPT_LOOK_BACK_MS = 7 * 24 * 3_600_000;
/** Lanes overtake each other; a gap is asked for only when it has stood this long. */
export const GAP_AGE_MS = 5 * 60_000;
/** Never sooner: what is missing may be in the very next message. */
export const GAP_AGE_MS_MIN = 1_000;
/** The same gap or schema isn't asked for more often. */
export const ASK_AGAIN_MS = 2 * GAP_AGE_MS;

/** SIGTERM: whatever hasn't closed by then is left; everything acknowledged is on disk anyway. */
export const CLOSE_DEADLINE_MS = 5_000;
