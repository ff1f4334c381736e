/**
 * One serial line, shared by its devices: opened when needed, reopened with back-off, one conversation at a time. With
 * devices that send by themselves it stays open, comes back by itself, and is listened to all the time.
 */
import type { Port, SerialSettings } from "@pump-station/sensor-descriptions/model.ts";
import { type Clock, type Log, PortError, type Ports, type Timers } from "../world.ts";
import { type Conversation, createConversation, type OpenLine } from "./conversation.ts";
import { createHearing, type Hearer } from "./hearing.ts";
import { createOpener } from "./serial-opener.ts";

export interface SharedSerialPort {
  /**
   * Waits for the port's turn (first come, first served; a device that asks again stands behind the others) and holds
   * it until `talk` has ended. Throws PortError "absent" | "busy" | "denied" when the line can't be opened.
   */
  converse<T>(settings: SerialSettings, talk: (conversation: Conversation) => Promise<T>): Promise<T>;
  /** From the first conversation on, `hearer` gets all that belongs to no answer; returns a stop. */
  attach(settings: SerialSettings, hearer: Hearer): () => void;
  close(): Promise<void>;
}

export function createSerialPort(
  deps: { readonly ports: Ports; readonly clock: Clock; readonly timers: Timers; readonly log: Log },
  port: Pick<Port, "name" | "path">,
): SharedSerialPort {
  const { timers } = deps;
  const opener = createOpener(deps, port);
  const hearing = createHearing(deps.clock);
  const quiet = { untilMs: 0 };
  const listening: SerialSettings[] = [];
  let open: OpenLine | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  let cancelReopen = (): void => {};

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
    const isLost = !isClosed && reason !== "closed";
    if (isLost) opener.lost(reason);
    hearing.closed(reason);
    if (isLost) keepOpen();
  };

  const takeTurn = <T>(talk: () => Promise<T>): Promise<T> => {
    const mine = turn.then(talk);
    turn = mine.catch(() => undefined);
    return mine;
  };

  /** Nobody may ask for a long time, and reports come all the while: the line is opened without being asked. */
  const keepOpen = (): void => {
    cancelReopen();
    if (isClosed || listening.length === 0) return;
    cancelReopen = timers.after(opener.retryInMs(), () => void takeTurn(listenAgain));
  };

  /** At the speed of those who send; a conversation at another speed ends with it. */
  const listenAgain = async (): Promise<void> => {
    const [settings] = listening;
    if (isClosed || !settings) return;
    try {
      await openLine(settings);
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      keepOpen();
    }
  };

  return {
    converse: (settings, talk) =>
      takeTurn(async () => {
        if (isClosed) throw new PortError("closed", `${port.path}: closed`);
        try {
          return await talk(createConversation(deps, await openLine(settings), hearing, quiet));
        } finally {
          await listenAgain();
        }
      }),
    attach: (settings, hearer) => {
      const detach = hearing.attach(hearer);
      listening.push(settings);
      return () => {
        detach();
        listening.splice(listening.indexOf(settings), 1);
      };
    },
    close: async () => {
      isClosed = true;
      cancelReopen();
      await takeTurn(async () => open?.line.close());
    },
  };
}

const isSame = (a: SerialSettings, b: SerialSettings): boolean =>
  a.baudRate === b.baudRate && a.dataBits === b.dataBits && a.parity === b.parity && a.stopBits === b.stopBits;
