/** The connection to a simulator's socket: requests, watches, and coming back. The format stands in simulated-ports.ts. */
import { connect, type Socket } from "node:net";
import { I2C_DEADLINE_MS } from "../../limits.ts";
import { type GpioPin, type Log, PortError, type Timers } from "../../world.ts";

/** The longest honest line is a 64 KiB transfer in hex; more than this is no simulator of ours. */
export const SIMULATOR_LINE_BYTES_MAX = 256 * 1024;
/** A local socket is cheap to try: from 100 ms doubling to 2 s. */
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 2_000;

export interface SimulatorAnswer {
  readonly bytes?: string;
  readonly ok?: boolean;
  readonly level?: number;
  readonly error?: string;
}

export interface Watched {
  readonly chip: string;
  readonly pin: GpioPin;
  readonly edge: "rising" | "falling" | "both";
}

export interface SimulatorLink {
  /** Keeps the connection up until `release`. Throws PortError "absent" when the simulator isn't there now. */
  hold(): Promise<void>;
  release(): void;
  isUp(): boolean;
  /** Throws PortError "absent" (away), "stuck" (no answer within the deadline). */
  request(body: object, deadlineMs: number, what: string): Promise<SimulatorAnswer>;
  /** Told of every edge, also after the connection came back; resolves to the function that ends it. */
  watch(watched: Watched, onEdge: (ms: number | undefined) => void): Promise<() => void>;
  /** Told each time when the connection ends; the function returned ends that. */
  onAway(listener: () => void): () => void;
}

interface Waiting {
  readonly resolve: (answer: SimulatorAnswer) => void;
  readonly reject: (error: PortError) => void;
}

export function createSimulatorLink(deps: { readonly timers: Timers; readonly log: Log }, path: string): SimulatorLink {
  const watches = new Map<symbol, { readonly watched: Watched; readonly onEdge: (ms: number | undefined) => void }>();
  const awayListeners = new Set<() => void>();
  let waiting = new Map<number, Waiting>();
  let socket: Socket | undefined;
  let opening: Promise<void> | undefined;
  let cancelRetry = () => {};
  let retryMs = RETRY_FIRST_MS;
  let holders = 0;
  let nextId = 1;

  const open = (): Promise<void> => {
    if (socket) return Promise.resolve();
    cancelRetry();
    opening ??= dial(path)
      .then(
        (dialled) => adopt(dialled),
        (error: Error) => {
          scheduleRetry();
          throw new PortError("absent", `connect to simulator ${path}: ${error.message}`, { cause: error });
        },
      )
      .finally(() => {
        opening = undefined;
      });
    return opening;
  };

  const adopt = (dialled: Socket): void => {
    if (holders === 0) {
      dialled.destroy();
      return;
    }
    socket = dialled;
    retryMs = RETRY_FIRST_MS;
    nextId = 1;
    dialled.on(
      "data",
      lineSplitter(onLine, () => dialled.destroy()),
    );
    dialled.on("close", () => onClosed(dialled));
    deps.log("info", "simulator-connected", { path });
    for (const { watched } of watches.values()) watchAgain(watched);
  };

  const onClosed = (closed: Socket): void => {
    if (socket !== closed) return;
    socket = undefined;
    const lost = waiting;
    waiting = new Map();
    for (const { reject } of lost.values()) reject(new PortError("absent", `simulator ${path}: connection ended`));
    if (holders > 0) deps.log("warn", "simulator-away", { path });
    for (const listener of [...awayListeners]) listener();
    scheduleRetry();
  };

  const scheduleRetry = (): void => {
    if (holders === 0) return;
    cancelRetry = deps.timers.after(retryMs, () => {
      retryMs = Math.min(2 * retryMs, RETRY_MAX_MS);
      open().catch(() => undefined); // The next attempt is already scheduled; who asks meanwhile is told "absent".
    });
  };

  const onLine = (line: string): void => {
    const message = parse(line);
    if (message === undefined) {
      deps.log("warn", "simulator-line-unreadable", { path, line: line.slice(0, 200) });
    } else if ("edge" in message) {
      for (const { watched, onEdge } of watches.values())
        if (watched.chip === message.edge.chip && watched.pin === message.edge.pin) onEdge(message.edge.ms);
    } else {
      const asker = waiting.get(message.id);
      waiting.delete(message.id);
      asker?.resolve(message);
    }
  };

  const request = (body: object, deadlineMs: number, what: string): Promise<SimulatorAnswer> =>
    new Promise((resolve, reject) => {
      if (!socket) return reject(new PortError("absent", `${what}: simulator ${path} away`));
      const id = nextId++;
      const cancel = deps.timers.after(deadlineMs, () => {
        waiting.delete(id);
        reject(new PortError("stuck", `${what}: no answer from simulator ${path} within ${deadlineMs} ms`));
      });
      waiting.set(id, {
        resolve: (answer) => (cancel(), resolve(answer)),
        reject: (error) => (cancel(), reject(error)),
      });
      socket.write(`${JSON.stringify({ id, ...body })}\n`);
    });

  const requestWatch = async ({ chip, pin, edge }: Watched): Promise<void> => {
    const what = `watch pin ${pin} of ${chip}`;
    const { error } = await request({ chip, watch: { pin, edge } }, I2C_DEADLINE_MS, what);
    if (error !== undefined) throw new PortError(error === "busy" ? "busy" : "absent", `${what}: ${error}`);
  };
  const watchAgain = (watched: Watched): void => {
    requestWatch(watched).catch((error: Error) => {
      deps.log("warn", "simulator-watch-failed", { path, error: error.message });
      socket?.destroy(); // Comes back with back-off and asks again.
    });
  };

  return {
    hold: async () => {
      holders++;
      await open().catch((error: unknown) => {
        release();
        throw error;
      });
    },
    release: () => release(),
    isUp: () => socket !== undefined,
    request,
    watch: async (watched, onEdge) => {
      const key = Symbol(watched.chip);
      watches.set(key, { watched, onEdge });
      try {
        await requestWatch(watched);
      } catch (error) {
        watches.delete(key);
        throw error;
      }
      return () => watches.delete(key);
    },
    onAway: (listener) => {
      awayListeners.add(listener);
      return () => awayListeners.delete(listener);
    },
  };

  function release(): void {
    if (--holders > 0) return;
    cancelRetry();
    const left = socket;
    if (!left) return;
    // Forgotten before it has closed, so that who holds the link again gets a connection of its own.
    onClosed(left);
    left.destroy();
  }
}

const dial = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", () => undefined); // "close" follows and says it.
      resolve(socket);
    });
  });

/** Cuts a stream into lines; a line longer than the bound ends the connection. */
function lineSplitter(onLine: (line: string) => void, onTooLong: () => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.toString("utf8", 0, end);
      rest = rest.subarray(end + 1);
      onLine(line);
    }
    if (rest.length > SIMULATOR_LINE_BYTES_MAX) onTooLong();
  };
}

type Message =
  | (SimulatorAnswer & { readonly id: number })
  | { readonly edge: { chip: string; pin: GpioPin; ms?: number } };

/** undefined when the line is no message of the protocol. */
function parse(line: string): Message | undefined {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof message !== "object" || message === null) return undefined;
  if ("id" in message && typeof message.id === "number") return message as Message;
  const edge = "edge" in message ? message.edge : undefined;
  if (typeof edge !== "object" || edge === null) return undefined;
  return "chip" in edge && "pin" in edge ? (message as Message) : undefined;
}
