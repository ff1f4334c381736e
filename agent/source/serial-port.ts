/** One serial line, shared by its devices: opened when needed, reopened with back-off, one conversation at a time. */
import type { Port, SerialSettings, SerialTiming } from "@pump-station/sensor-descriptions/model.ts";
import { FRAME_BYTES_MAX, PORT_RETRY_MAX_MS, SERIAL_WRITE_SLACK_MS } from "../limits.ts";
import { type Clock, type Log, PortError, type Ports, type SerialLine, type Timers } from "../world.ts";

const RETRY_FIRST_MS = 1_000;
/** Unasked bytes kept until they are counted: a few frames; a babbling line's rest is only counted. */
const UNASKED_BYTES_MAX = 4 * FRAME_BYTES_MAX;
/** A line has fallen silent when this many characters' time has passed without a byte. */
const SILENCE_CHARACTERS = 10;
/** A timer of the event loop is not more exact than this. */
const SILENCE_MS_MIN = 5;

/** What is on the line while a device has its turn. */
export interface Conversation {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Time of `bytes` characters at the line's speed. */
  lineMs(bytes: number): number;
  /** Bytes that came while nobody asked; taking them empties the store. */
  takeUnasked(): Uint8Array;
  /** From now on bytes go to this listener; undefined: they are kept as unasked. */
  listen(listener: ((bytes: Uint8Array) => void) | undefined, onClosed?: (reason: string) => void): void;
  /** Resolves when the bytes have left the line. */
  write(bytes: Uint8Array): Promise<void>;
  /** No request goes out before `ms` have passed. */
  keepQuiet(ms: number): void;
  /** Waits until the quiet time is over and nothing arrives any more (at most `lateMs` longer). */
  settle(timing: SerialTiming): Promise<void>;
}

export interface SharedSerialPort {
  /**
   * Waits for the port's turn (first come, first served; a device that asks again stands behind the others) and holds
   * it until `talk` has ended. Throws PortError "absent" | "busy" | "denied" when the line can't be opened.
   */
  converse<T>(settings: SerialSettings, talk: (conversation: Conversation) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface OpenLine {
  readonly line: SerialLine;
  readonly settings: SerialSettings;
}

export function createSerialPort(
  deps: { readonly ports: Ports; readonly clock: Clock; readonly timers: Timers; readonly log: Log },
  port: Pick<Port, "name" | "path">,
): SharedSerialPort {
  const opener = createOpener(deps, port);
  const hearing = createHearing(deps.clock);
  const quiet = { untilMs: 0 };
  let open: OpenLine | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  const openLine = async (settings: SerialSettings): Promise<OpenLine> => {
    if (open && isSame(open.settings, settings)) return open;
    // Devices of one line may differ in speed; whoever has the turn sets it.
    await open?.line.close();
    const opened = { line: await opener.open(settings), settings };
    open = opened;
    opened.line.onBytes((bytes) => hearing.hear(bytes));
    opened.line.onClosed((reason) => onClosed(opened, reason));
    return opened;
  };

  const onClosed = (closed: OpenLine, reason: string): void => {
    if (open !== closed) return;
    open = undefined;
    if (!isClosed && reason !== "closed") opener.lost(reason);
    hearing.close(reason);
  };

  const takeTurn = <T>(talk: () => Promise<T>): Promise<T> => {
    const mine = turn.then(talk);
    turn = mine.catch(() => undefined);
    return mine;
  };

  return {
    converse: (settings, talk) =>
      takeTurn(async () => {
        if (isClosed) throw new PortError("closed", `${port.path}: closed`);
        return talk(createConversation(deps, await openLine(settings), hearing, quiet));
      }),
    close: async () => {
      isClosed = true;
      await takeTurn(async () => open?.line.close());
    },
  };
}

/** Opens the line, and after a failure not again before the back-off has passed. */
function createOpener(
  { ports, clock, log }: { readonly ports: Ports; readonly clock: Clock; readonly log: Log },
  { name, path }: Pick<Port, "name" | "path">,
) {
  let retryMs = RETRY_FIRST_MS;
  let retryAtMs = Number.NEGATIVE_INFINITY;
  let because = new PortError("absent", `${path}: not tried`);
  return {
    open: async (settings: SerialSettings): Promise<SerialLine> => {
      if (clock.bootMs() < retryAtMs) throw because;
      try {
        const line = await ports.serial.open(path, settings);
        log("info", "port-opened", { port: name, path });
        retryMs = RETRY_FIRST_MS;
        return line;
      } catch (cause) {
        because = cause instanceof PortError ? cause : new PortError("absent", String(cause), { cause });
        retryAtMs = clock.bootMs() + retryMs;
        retryMs = Math.min(2 * retryMs, PORT_RETRY_MAX_MS);
        log("warn", "port-failed", { port: name, path, error: because.message });
        throw because;
      }
    },
    lost: (reason: string): void => {
      log("warn", "port-closed", { port: name, path, reason });
      retryAtMs = clock.bootMs() + RETRY_FIRST_MS;
      because = new PortError("absent", `${path}: ${reason}`);
    },
  };
}

/** Where bytes go: to who listens, else into a bounded store of what nobody asked for. */
function createHearing(clock: Clock) {
  let listener: ((bytes: Uint8Array) => void) | undefined;
  let onLineClosed: ((reason: string) => void) | undefined;
  let unasked: Uint8Array[] = [];
  let unaskedBytes = 0;
  let lastByteMs = Number.NEGATIVE_INFINITY;
  return {
    hear: (bytes: Uint8Array): void => {
      lastByteMs = clock.bootMs();
      if (listener) return listener(bytes);
      if (unaskedBytes + bytes.length > UNASKED_BYTES_MAX) return;
      unasked.push(bytes);
      unaskedBytes += bytes.length;
    },
    listen: (toBytes: typeof listener, toClosed: typeof onLineClosed): void => {
      listener = toBytes;
      onLineClosed = toClosed;
    },
    close: (reason: string): void => onLineClosed?.(reason),
    takeUnasked: (): Uint8Array => {
      const taken = concatenated(unasked, unaskedBytes);
      unasked = [];
      unaskedBytes = 0;
      return taken;
    },
    /** How long until unasked bytes count as ended; not above 0 when they have. */
    silenceLeftMs: (silenceMs: number): number => (unaskedBytes > 0 ? lastByteMs + silenceMs - clock.bootMs() : 0),
  };
}

function createConversation(
  { clock, timers }: { readonly clock: Clock; readonly timers: Timers },
  { line, settings }: OpenLine,
  hearing: ReturnType<typeof createHearing>,
  quiet: { untilMs: number },
): Conversation {
  const lineMs = (bytes: number): number => (1000 * bytes * bitsPerCharacter(settings)) / settings.baudRate;
  const silenceMs = Math.max(SILENCE_MS_MIN, lineMs(SILENCE_CHARACTERS));
  return {
    clock,
    timers,
    lineMs,
    takeUnasked: () => hearing.takeUnasked(),
    listen: (toBytes, toClosed) => hearing.listen(toBytes, toClosed),
    write: async (bytes) => {
      const startedMs = clock.bootMs();
      await line.write(bytes, lineMs(bytes.length) + SERIAL_WRITE_SLACK_MS);
      // The kernel takes bytes faster than the wire does.
      const onWireMs = startedMs + lineMs(bytes.length) - clock.bootMs();
      if (onWireMs >= 1) await timers.sleep(onWireMs);
    },
    keepQuiet: (ms) => {
      quiet.untilMs = Math.max(quiet.untilMs, clock.bootMs() + ms);
    },
    settle: async ({ lateMs }) => {
      const untilMs = Math.max(quiet.untilMs, clock.bootMs());
      const waitMs = untilMs - clock.bootMs();
      if (waitMs > 0) await timers.sleep(waitMs);
      for (let leftMs = hearing.silenceLeftMs(silenceMs); leftMs > 0; leftMs = hearing.silenceLeftMs(silenceMs)) {
        if (clock.bootMs() + leftMs > untilMs + lateMs + silenceMs) return;
        await timers.sleep(leftMs);
      }
    },
  };
}

const isSame = (a: SerialSettings, b: SerialSettings): boolean =>
  a.baudRate === b.baudRate && a.dataBits === b.dataBits && a.parity === b.parity && a.stopBits === b.stopBits;

/** Start bit, data, parity, stop. */
const bitsPerCharacter = ({ dataBits, parity, stopBits }: SerialSettings): number =>
  1 + dataBits + (parity === "none" ? 0 : 1) + stopBits;

function concatenated(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
