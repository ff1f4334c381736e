import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadServerCertificate, type ServerCertificate } from "./certificates.ts";
import { createFiles } from "./files.ts";

const DAY_MS = 86_400_000;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bridge-ca-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const load = (hosts: readonly string[], nowMs = Date.now()) =>
  loadServerCertificate({ files: createFiles(), nowMs }, folder, hosts);

async function handshake({ ca, cert, key }: ServerCertificate, servername: string): Promise<boolean> {
  const server = createServer({ cert, key }, (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const trusted = await new Promise<boolean>((resolve) => {
    const name = /^[\d.]+$/.test(servername) ? {} : { servername };
    const socket = connect({ host: "127.0.0.1", port, ca, ...name }, () => {
      resolve(socket.authorized);
      socket.destroy();
    });
    socket.on("error", () => resolve(false));
  });
  await new Promise((resolve) => server.close(resolve));
  return trusted;
}

test("who trusts the CA trusts the server by each of its names, and by no other", async () => {
  const certificate = await load(["localhost", "127.0.0.1", "bridge.example"]);
  expect(await handshake(certificate, "localhost")).toBe(true);
  expect(await handshake(certificate, "127.0.0.1")).toBe(true);
  expect(await handshake(certificate, "bridge.example")).toBe(true);
  expect(await handshake(certificate, "elsewhere.example")).toBe(false);
});

test("a second start uses what the first one made; keys are its owner's alone", async () => {
  const first = await load(["localhost"]);
  expect(await load(["localhost"])).toEqual(first);
  for (const name of ["ca-key.pem", "server-key.pem"])
    expect(statSync(join(folder, name)).mode & 0o777, name).toBe(0o600);
});

test("the server's certificate is renewed before it ends and when a name is added, under the same CA", async () => {
  const first = await load(["localhost"]);
  expect((await load(["localhost"], Date.now() + 300 * DAY_MS)).cert).toBe(first.cert);
  const renewed = await load(["localhost"], Date.now() + 340 * DAY_MS);
  expect(renewed.cert).not.toBe(first.cert);
  expect(renewed.ca).toBe(first.ca);
  const wider = await load(["localhost", "10.0.0.7"], Date.now());
  expect(wider.cert).not.toBe(renewed.cert);
  expect(await handshake(wider, "localhost")).toBe(true);
});

test("half a CA is said, not silently replaced: stations trust the other half", async () => {
  await load(["localhost"]);
  rmSync(join(folder, "ca-key.pem"));
  await expect(load(["localhost"])).rejects.toThrow(/ca-key.pem is missing/);
  writeFileSync(join(folder, "ca-key.pem"), "rubbish");
  await expect(load(["localhost"])).rejects.toThrow();
});
