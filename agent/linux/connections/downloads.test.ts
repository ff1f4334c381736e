import { createServer as createPlainServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { authority, forServer, makeParty, type Party } from "../../testing/certificates.ts";
import type { DownloadHead } from "../../world.ts";
import { createDownloads } from "./downloads.ts";

const FILE = Uint8Array.from({ length: 5_000 }, (_, at) => at & 0xff);
const YEAR_MS = 365 * 86_400_000;
let ca: Party;
let server: Party;
beforeAll(async () => {
  const [fromMs, toMs] = [Date.now() - YEAR_MS, Date.now() + YEAR_MS];
  ca = await makeParty({ name: "cloud CA", fromMs, toMs, extensions: [authority()] });
  server = await makeParty({
    name: "server",
    issuer: ca,
    fromMs,
    toMs,
    extensions: [forServer("127.0.0.1", "localhost")],
  });
});

const open: Server[] = [];
afterEach(() => {
  for (const one of open.splice(0)) {
    one.closeAllConnections();
    one.close();
  }
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
async function listening(answer: Answer, isTls = true): Promise<string> {
  const one = isTls ? createServer({ key: server.key, cert: server.pem }, answer) : createPlainServer(answer);
  open.push(one);
  await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve));
  return `${isTls ? "https" : "http"}://127.0.0.1:${(one.address() as AddressInfo).port}/file`;
}

/** As any static server does: ranges, ETag. */
const statically: Answer = ({ headers }, response) => {
  const first = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
  if (first > FILE.length) return void response.writeHead(416).end();
  const isSame = headers["if-range"] === undefined || headers["if-range"] === '"one"';
  if (first === 0 || !isSame)
    return void response.writeHead(200, { etag: '"one"', "content-length": FILE.length }).end(FILE);
  const range = `bytes ${first}-${FILE.length - 1}/${FILE.length}`;
  response.writeHead(206, { etag: '"one"', "content-range": range, "content-length": FILE.length - first });
  response.end(FILE.subarray(first));
};

async function got(
  url: string,
  more: { from?: number; etag?: string; bytesMax?: number; plain?: boolean; idleMs?: number; ca?: string } = {},
) {
  const heads: DownloadHead[] = [];
  const pieces: Uint8Array[] = [];
  const { from = 0, etag, bytesMax = 10_000, plain = false, idleMs = 5_000 } = more;
  const downloads = createDownloads({ ca: () => more.ca ?? ca.pem, isPlainAllowed: plain, idleMs });
  const failure = await downloads
    .get(
      { url, from, bytesMax, ...(etag !== undefined && { etag }) },
      { onHead: (head) => void heads.push(head), onPiece: (bytes) => void pieces.push(bytes) },
      new AbortController().signal,
    )
    .then(
      () => undefined,
      (error: unknown) => error as Error & { failure: string },
    );
  return { head: heads[0], bytes: Buffer.concat(pieces), failure };
}

describe("a download", () => {
  it("brings all, or what is missing of the same copy, or all of another one", async () => {
    const url = await listening(statically);
    const all = await got(url);
    expect(all).toMatchObject({ head: { from: 0, bytes: 5_000, etag: '"one"' }, failure: undefined });
    expect(all.bytes).toEqual(Buffer.from(FILE));
    const rest = await got(url, { from: 4_000, etag: '"one"' });
    expect(rest).toMatchObject({ head: { from: 4_000, bytes: 5_000 } });
    expect(rest.bytes).toEqual(Buffer.from(FILE.subarray(4_000)));
    expect((await got(url, { from: 4_000, etag: '"two"' })).head?.from).toBe(0);
    expect((await got(url, { from: 6_000 })).failure).toMatchObject({ failure: "other-file" });
  });
  it("that breaks off has brought what came, and says so", async () => {
    const url = await listening((_, response) => {
      response.writeHead(200, { "content-length": 5_000 });
      response.write(FILE.subarray(0, 1_000), () => response.destroy());
    });
    const broken = await got(url);
    expect(broken.failure).toMatchObject({ name: "DownloadError", failure: "unreachable" });
    expect(broken.bytes.length).toBe(1_000);
  });
  it("from a server that falls silent ends by itself", async () => {
    const url = await listening((_, response) => void response.writeHead(200, { "content-length": 5_000 }).write("x"));
    expect((await got(url, { idleMs: 200 })).failure).toMatchObject({ failure: "unreachable" });
  });
  it("that is larger than it may be is not taken, whether that is told or not", async () => {
    const told = await got(await listening(statically), { bytesMax: 4_999 });
    expect(told.failure).toMatchObject({ failure: "too-large" });
    // Said before a byte of it is taken.
    expect([told.head, told.bytes.length]).toEqual([undefined, 0]);
    const untold = await listening((_, response) => void response.writeHead(200).end(FILE));
    const more = await got(untold, { bytesMax: 4_999 });
    expect(more.failure).toMatchObject({ failure: "too-large" });
    expect(more.bytes.length).toBeLessThan(5_000);
  });
  it("isn't joined to what is here when another part was sent than was asked for, or nobody knows which", async () => {
    for (const range of ["bytes 7-4999/5000", "rubbish", undefined]) {
      const headers = { "content-length": 10, ...(range !== undefined && { "content-range": range }) };
      const url = await listening((_, response) => void response.writeHead(206, headers).end(FILE.subarray(0, 10)));
      const answer = await got(url, { from: 8 });
      expect(answer.failure, range).toMatchObject({ failure: "other-file" });
      expect(answer.bytes.length).toBe(0);
    }
  });
  it("that the server packs is refused; a copy that is only like another one has no name", async () => {
    const packed = await listening(
      (_, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("x"),
    );
    expect((await got(packed)).failure).toMatchObject({ failure: "refused" });
    const weak = await listening((_, response) => void response.writeHead(200, { etag: 'W/"one"' }).end("x"));
    expect((await got(weak)).head).toEqual({ from: 0 });
  });
  it.each([
    [404, "refused", "404 Not Found"],
    [403, "refused", "403 Forbidden"],
    [503, "unreachable", "503"],
    [429, "unreachable", "429"],
  ])("that is answered with %i is %s", async (status, failure, words) => {
    const url = await listening((_, response) => void response.writeHead(status).end());
    const answer = await got(url);
    expect(answer.failure).toMatchObject({ failure });
    expect(answer.failure?.message).toContain(words);
  });
  it("goes over plain HTTP only where that is allowed, and never by a redirection where it isn't", async () => {
    const plain = await listening(statically, false);
    expect((await got(plain)).failure).toMatchObject({
      failure: "refused",
      message: expect.stringContaining("only https"),
    });
    expect((await got(plain, { plain: true })).bytes.length).toBe(5_000);
    const tls = await listening((_, response) => void response.writeHead(302, { location: plain }).end());
    expect((await got(tls)).failure).toMatchObject({ failure: "refused" });
    const elsewhere = await listening(statically);
    const moved = await listening((_, response) => void response.writeHead(307, { location: elsewhere }).end());
    expect((await got(moved)).bytes.length).toBe(5_000);
    const round: string = await listening((_, response) => void response.writeHead(301, { location: "/file" }).end());
    expect((await got(round)).failure?.message).toContain("redirected more than 5 times");
  });
  it("asks nothing of a server whose certificate nobody vouches for", async () => {
    const asked: string[] = [];
    const url = await listening((request, response) => {
      asked.push(request.url ?? "");
      response.end();
    });
    const stranger = await makeParty({
      name: "other CA",
      fromMs: Date.now() - YEAR_MS,
      toMs: Date.now() + YEAR_MS,
      extensions: [authority()],
    });
    expect((await got(url, { ca: stranger.pem })).failure).toMatchObject({ failure: "unreachable" });
    expect(asked).toEqual([]);
  });
});
