/** The control socket: server in the agent, client in the command line. */
import { existsSync, mkdirSync, statSync, unlinkSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import type { ControlClient } from "../control/client.ts";
import { CONTROL_LINE_BYTES_MAX } from "../limits.ts";

/** Serves lines until the returned function is called. A socket file that a killed agent left is replaced. */
export async function serveControl(
  path: string,
  answer: (line: string) => Promise<string>,
): Promise<() => Promise<void>> {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path)) {
    // Connecting to an ordinary file is refused just as to a dead socket.
    if (!statSync(path).isSocket()) {
      throw Object.assign(new Error(`control socket ${path}: there is a file that is no socket`), { code: "ENOTSOCK" });
    }
    if (await isAlive(path)) throw new Error(`control socket ${path}: another agent already listens there`);
    unlinkSync(path);
  }
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    clients.add(socket);
    socket.on("close", () => clients.delete(socket)).on("error", () => socket.destroy());
    onLines(socket, (line) => {
      void answer(line).then((reply) => socket.writable && socket.write(`${reply}\n`));
    });
  });
  const umask = process.umask(0o117);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(umask);
  }
  return async () => {
    for (const client of clients) client.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}

/** Throws with code ENOENT or ECONNREFUSED when no agent runs. */
export async function connectControl(path: string): Promise<ControlClient> {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const failAll = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  socket.on("error", failAll).on("close", () => failAll(new Error("the agent closed the control socket")));
  const lines = createInterface({ input: socket });
  // A broken connection is an error of the lines, too, and would end the process if nobody took it.
  lines.on("error", failAll);
  lines.on("line", (line) => {
    const { id, answer, error } = JSON.parse(line) as { id: number; answer?: unknown; error?: string };
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error !== undefined) waiter?.reject(new Error(error));
    else waiter?.resolve(answer);
  });
  let next = 1;
  return {
    ask: (ask, parameters = {}) =>
      new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve, reject });
        socket.write(`${JSON.stringify({ ...parameters, id, ask })}\n`);
      }),
    close: () => socket.destroy(),
  };
}

/** Bounded: a client that sends no line end is cut off. */
function onLines(socket: Socket, onLine: (line: string) => void): void {
  let pending = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    pending += text;
    for (let end = pending.indexOf("\n"); end >= 0; end = pending.indexOf("\n")) {
      onLine(pending.slice(0, end));
      pending = pending.slice(end + 1);
    }
    if (pending.length > CONTROL_LINE_BYTES_MAX) socket.destroy();
  });
}

/**
 * Only what nobody listens on is dead. Anything else (EACCES: another user's, EAGAIN: an agent too busy to answer)
 * is somebody's, and is left alone: throws with the system's code.
 */
const isAlive = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") return resolve(false);
      const words = `control socket ${path}: it isn't ours to replace: ${error.message}`;
      reject(Object.assign(new Error(words, { cause: error }), { code: error.code }));
    });
  });
