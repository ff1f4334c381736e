import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CONTROL_LINE_BYTES_MAX } from "../limits.ts";
import { connectControl, serveControl } from "./control-socket.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "control-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("each ask gets its own answer, in any order", async () => {
  const path = join(folder, "control.sock");
  const stop = await serveControl(path, async (line) => {
    const { id, ask } = JSON.parse(line) as { id: number; ask: string };
    if (ask === "slow") await new Promise((resolve) => setTimeout(resolve, 50));
    return JSON.stringify(ask === "wrong" ? { id, error: "no such thing" } : { id, answer: ask });
  });
  const client = await connectControl(path);
  const asked = ["slow", "quick"].map((ask) => client.ask(ask));
  expect(await Promise.all(asked)).toEqual(["slow", "quick"]);
  await expect(client.ask("wrong")).rejects.toThrow("no such thing");
  client.close();
  await stop();
});

test("the socket is its owner's and its group's, whatever this process's umask is", async () => {
  const path = join(folder, "control.sock");
  const before = process.umask(0);
  const stop = await serveControl(path, async () => "{}");
  expect(statSync(path).mode & 0o777).toBe(0o660);
  expect(process.umask(before)).toBe(0);
  await stop();
});

test("whoever sends no line end is cut off, and others are answered all the same", async () => {
  const path = join(folder, "control.sock");
  const stop = await serveControl(path, async () => '{"id":1,"answer":"here"}');
  const endless = connect(path);
  const closed = new Promise<void>((resolve) => endless.on("error", () => undefined).once("close", () => resolve()));
  endless.write("x".repeat(CONTROL_LINE_BYTES_MAX + 1));
  await closed;
  const client = await connectControl(path);
  expect(await client.ask("status")).toBe("here");
  client.close();
  await stop();
});

test("a second agent doesn't take the place of one that listens", async () => {
  const path = join(folder, "control.sock");
  const stop = await serveControl(path, async () => "{}");
  await expect(serveControl(path, async () => "{}")).rejects.toThrow("another agent already listens there");
  await stop();
});

test("an agent that is killed while it is asked is an error that says so, and nothing else", async () => {
  const path = join(folder, "control.sock");
  // Closed with bytes that nobody has read, as a kill does it: the other end gets ECONNRESET.
  const server = createServer({ pauseOnConnect: true }, (socket) => void setTimeout(() => socket.destroy(), 100));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = await connectControl(path);
  await expect(client.ask("status")).rejects.toThrow(/ECONNRESET|closed the control socket/);
  server.close();
});

test("a socket that another user's agent listens on isn't taken for a dead one, nor replaced", async () => {
  const path = join(folder, "control.sock");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  chmodSync(path, 0o000);
  chmodSync(folder, 0o777);
  // Nothing is closed to root, so root becomes "nobody" for as long as the test asks.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  const serving = serveControl(path, () => Promise.resolve(""));
  try {
    await expect(serving).rejects.toMatchObject({
      message: expect.stringContaining("it isn't ours to replace") as string,
      code: "EACCES",
    });
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  expect(existsSync(path)).toBe(true);
  server.close();
});

test("a file that is no socket isn't replaced", async () => {
  const path = join(folder, "notes.txt");
  writeFileSync(path, "mine");
  await expect(serveControl(path, () => Promise.resolve(""))).rejects.toMatchObject({ code: "ENOTSOCK" });
  expect(existsSync(path)).toBe(true);
});
