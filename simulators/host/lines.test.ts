import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { LINE_BYTES_MAX } from "../limits.ts";
import type { LinePeer } from "../world.ts";
import { connectLines, serveLines } from "./lines.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
function socketPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "ps-lines-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  return join(folder, "sockets", "ports.sock");
}
const echo = (peer: LinePeer) => peer.onLine((line) => peer.send(`echo ${line}`));

test("lines go there and back, and the same path can be served again", async () => {
  const path = socketPath();
  for (let round = 0; round < 2; round++) {
    const stop = await serveLines(path, echo);
    const peer = await connectLines(path);
    const heard = new Promise<string>((resolve) => peer.onLine(resolve));
    peer.send("°C");
    expect(await heard).toBe("echo °C");
    await stop();
  }
});

test("nobody at the path is an error, and a peer hears when the other end goes", async () => {
  const path = socketPath();
  await expect(connectLines(path)).rejects.toMatchObject({ code: "ENOENT" });
  const stop = await serveLines(path, echo);
  const peer = await connectLines(path);
  const closed = new Promise<void>((resolve) => peer.onClosed(resolve));
  await stop();
  await closed;
});

test("a line without an end is cut off", async () => {
  const path = socketPath();
  cleanups.push(await serveLines(path, echo));
  const peer = await connectLines(path);
  const closed = new Promise<void>((resolve) => peer.onClosed(resolve));
  peer.send("x".repeat(4 * LINE_BYTES_MAX));
  await closed;
});
