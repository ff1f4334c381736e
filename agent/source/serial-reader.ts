/** Asks one device in a turn that it already has, with retries, and keeps what the next request needs to know. */
import type {
  Device,
  SerialExchange,
  SerialProtocol,
  SerialRead,
  Values,
} from "@pump-station/sensor-descriptions/model.ts";
import { PENALTY_AFTER_MISSES } from "../limits.ts";
import { type ChannelValue, missing, type Sample } from "../reading.ts";
import type { Clock, Log } from "../world.ts";
import type { Conversation } from "./conversation.ts";
import { type ExchangeResult, exchangeOnce, resultOfPortError } from "./exchange.ts";
import type { HealthCounter } from "./health.ts";
import { createHoles } from "./holes.ts";
import { sampleOf } from "./sample-of.ts";
import type { SharedSerialPort } from "./serial-port.ts";
import { createDeviceSetUp } from "./set-up.ts";
import { createTextsOnce, isTextsOnly } from "./texts-once.ts";

export type SerialDevice = Device & { readonly protocol: SerialProtocol };

export interface SerialReader {
  readonly device: SerialDevice;
  /** Runs `talk` in the port's turn; a line that can't be opened is the result "port-absent" or "busy". */
  inTurn<T>(talk: (conversation: Conversation) => Promise<T>): Promise<T | ExchangeResult>;
  /** The named reads (all without names) that are asked for, merged; every channel of the device has an entry. */
  read(conversation: Conversation, reads?: ReadonlySet<string>): Promise<Asked>;
  /** Tells the device what it has to hear before it reports, when that is due; the result that made it fail. */
  setUp(conversation: Conversation): Promise<ExchangeResult | undefined>;
  /** A device that reports by itself has said nothing for too long. */
  fellSilent(): void;
  /** One exchange, once. Throws RangeError when it can't be made. */
  exchange(conversation: Conversation, make: (turn: number) => SerialExchange): Promise<ExchangeResult>;
}

export interface Asked {
  readonly values: ReadonlyMap<string, ChannelValue>;
  /** When the last answer was complete; undefined: there was none. */
  readonly completeMs?: number;
}

export function createSerialReader(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  device: SerialDevice,
  port: SharedSerialPort,
  health: HealthCounter,
): SerialReader {
  const { protocol } = device;
  const address = device.address ?? 0;
  const newest = new Map<string, number>();
  const silence = createSilence(protocol);
  const deviceSetUp = createDeviceSetUp(protocol);
  const texts = createTextsOnce();
  let turn = 0;

  const exchange: SerialReader["exchange"] = async (conversation, make) => {
    const result = await exchangeOnce(conversation, make(turn++), protocol, health);
    silence.onResult(result);
    return result;
  };

  const withRetries = async (once: () => Promise<ExchangeResult>): Promise<ExchangeResult> => {
    // A device that hasn't answered for some polls costs the others enough with one try.
    const tries = silence.isGivenUp() ? 1 : 1 + protocol.timing.retries;
    let result = await once();
    for (let tried = 1; tried < tries && isWorthRetrying(result); tried++) result = await once();
    return result;
  };

  const readWithRetries = async (conversation: Conversation, read: string): Promise<ExchangeResult> => {
    const result = await withRetries(() => readOnce(conversation, read));
    if (result.kind === "answer") keepNewest(result.values);
    return result;
  };

  const setUp = (conversation: Conversation): Promise<ExchangeResult | undefined> =>
    deviceSetUp.run(conversation, (step) =>
      withRetries(() => exchange(conversation, (mine) => step.exchange(address, mine))),
    );

  const fellSilent = (): void => {
    deviceSetUp.due();
    texts.forget();
  };

  /** A read that is refused for want of the set-up is tried once more behind it; a poll sets up at most once. */
  const readSetUp = (conversation: Conversation, wasSetUp: boolean) => {
    let isSpent = wasSetUp;
    return async (read: string): Promise<ExchangeResult> => {
      const result = await readWithRetries(conversation, read);
      if (!deviceSetUp.isWantedAfter(result) || isSpent) return result;
      isSpent = true;
      return (await setUp(conversation)) ?? readWithRetries(conversation, read);
    };
  };

  /** A newest value that doesn't fit its placeholder is the device's trouble, not the process's. */
  const readOnce = async (conversation: Conversation, read: string): Promise<ExchangeResult> => {
    try {
      return await exchange(conversation, (mine) => protocol.read(address, read, (name) => newest.get(name), mine));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const text = `read ${read}: ${error.message}`;
      health.failed(text, clock.bootMs());
      return { kind: "malformed", text };
    }
  };

  const keepNewest = (values: Values): void => {
    for (const [channel, value] of values) if (typeof value === "number") newest.set(channel, value);
  };

  const holes = createHoles((read, because) => {
    health.askedInParts(read, because);
    log("warn", "device-asked-in-parts", { device: device.name, read, because });
  });

  return {
    device,
    exchange,
    setUp,
    fellSilent,
    inTurn: async (talk) => {
      try {
        return await port.converse(protocol.settings, async (conversation) => {
          const ended = await talk(conversation);
          if (silence.isReopenDue()) {
            log("warn", "port-reopened", { device: device.name, port: device.port });
            await conversation.closeLine();
          }
          return ended;
        });
      } catch (error) {
        const result = resultOfPortError(error);
        if ("text" in result) health.failed(result.text, clock.bootMs());
        return result;
      }
    },
    read: async (conversation, reads) => {
      const values = new Map<string, ChannelValue>();
      let completeMs: number | undefined;
      const readOne = readSetUp(conversation, deviceSetUp.isDue);
      let failure = await setUp(conversation);
      /** A device that gave no answer is not asked for the rest: others wait for the line. */
      const ask = async (read: SerialRead): Promise<ExchangeResult> => {
        const result = failure ?? (await readOne(read.name));
        if (result.kind === "answer") completeMs = result.bootMs;
        if (result.kind === "timeout" || result.kind === "port-absent") failure = result;
        return result;
      };
      for (const read of protocol.reads) {
        if (read.isReport || (reads && !reads.has(read.name)) || !texts.isWanted(read)) continue;
        if (isTextsOnly(read)) {
          if (completeMs !== undefined && !failure) texts.asked(read, await readOne(read.name));
          continue;
        }
        const results = failure ? [{ channels: read.channels, result: failure }] : await holes.read(read, ask);
        for (const { channels, result } of results)
          for (const channel of channels) values.set(channel, channelValue(result, channel));
      }
      const isSilent = failure?.kind === "timeout" && completeMs === undefined;
      if (isSilent) fellSilent();
      silence.onReads(isSilent);
      return { values, ...(completeMs === undefined ? {} : { completeMs }) };
    },
  };
}

const isWorthRetrying = ({ kind }: ExchangeResult): boolean =>
  kind === "timeout" || kind === "checksum" || kind === "malformed";

/** How long a device has said nothing: it is asked with less effort then, and its port may need to be opened anew. */
function createSilence({ quirks }: SerialProtocol) {
  let silentReads = 0;
  let timeouts = 0;
  let isReopenDue = false;
  return {
    onResult: ({ kind }: ExchangeResult): void => {
      if (kind === "sent") return;
      timeouts = kind === "timeout" ? timeouts + 1 : 0;
      if (timeouts === 0 || timeouts !== quirks?.reopenAfter) return;
      timeouts = 0;
      isReopenDue = true;
    },
    onReads: (isSilent: boolean): void => {
      silentReads = isSilent ? silentReads + 1 : 0;
    },
    isGivenUp: (): boolean => silentReads >= PENALTY_AFTER_MISSES,
    /** Once for so many timeouts. */
    isReopenDue: (): boolean => {
      const wasDue = isReopenDue;
      isReopenDue = false;
      return wasDue;
    },
  };
}

export function channelValue(result: ExchangeResult, channel: string): ChannelValue {
  if (result.kind === "refused") return missing("refused", result.code);
  if (result.kind === "sent") return missing("malformed");
  if (result.kind !== "answer") return missing(result.kind);
  const value = result.values.get(channel) ?? "malformed";
  return typeof value === "number" ? value : missing(value);
}

export const failedSample = (device: Device, bootMs: number, result: ExchangeResult): Sample =>
  sampleOf(device, bootMs, (channel) => channelValue(result, channel));
