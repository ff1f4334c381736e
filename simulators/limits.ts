/** Every bound with its unit and its reason. */

/** A line between the agent and simulated ports: 1 KiB of I2C bytes in hex and some JSON around it. */
export const LINE_BYTES_MAX = 64 * 1024;
/** Answers and writes that the simulated hardware remembers for whoever checks; an hour at one a second. */
export const JOURNAL_ENTRIES_MAX = 3_600;
/** The path of a Unix socket has room for 108 bytes on Linux and 104 on macOS, with a zero at the end. */
export const SOCKET_PATH_BYTES_MAX = 100;
/** A recording is held in memory; 64 MiB of text are about a million rows. */
export const RECORDING_BYTES_MAX = 64 * 1024 * 1024;
/** So many columns of four bytes still fit a frame. */
export const RECORDING_COLUMNS_MAX = 200;
/** A child that ends at once is started again after 1 s, doubling to this. */
export const RESTART_MAX_MS = 15_000;
/** How long a child may take to end by itself: the agent closes its buffer, the bridge its store. */
export const STOP_PATIENCE_MS = 5_000;
/** Each link of the chain must be seen within this time once both processes are ready. */
export const LINK_WITHIN_MS = 60_000;
/** A process that isn't ready after this time has a problem that waiting doesn't solve. */
export const READY_WITHIN_MS = 30_000;
