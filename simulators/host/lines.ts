/** Lines of text over a Unix socket, both ends. */
import { existsSync, mkdirSync, unlinkSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import { LINE_BYTES_MAX } from "../limits.ts";
import type { LinePeer } from "../world.ts";

/** Listens until the returned function is called. A socket that a killed process left is replaced. */
export async function serveLines(path: string, onPeer: (peer: LinePeer) => void): Promise<() => Promise<void>> {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path)) unlinkSync(path);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    onPeer(peerOf(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}

/** Rejects with code ENOENT or ECONNREFUSED when nobody listens. */
export async function connectLines(path: string): Promise<LinePeer> {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return peerOf(socket);
}

function peerOf(socket: Socket): LinePeer {
  let pending = "";
  let onLine: ((line: string) => void) | undefined;
  // A broken connection also closes; that is what listeners hear.
  socket.on("error", () => socket.destroy());
  socket.setEncoding("utf8").on("data", (text: string) => {
    pending += text;
    for (let end = pending.indexOf("\n"); end >= 0; end = pending.indexOf("\n")) {
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      onLine?.(line);
    }
    if (pending.length > LINE_BYTES_MAX) socket.destroy();
  });
  return {
    send: (line) => void (socket.writable && socket.write(`${line}\n`)),
    onLine: (listener) => {
      onLine = listener;
    },
    onClosed: (listener) => void socket.on("close", listener),
    close: () => void socket.destroy(),
  };
}
