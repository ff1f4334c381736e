/**
 * One GET over HTTPS (RFC 9110), from any byte on (section 14, Range and If-Range). Only over TLS unless plain HTTP is
 * allowed, on every step of a redirection too. What is downloaded is judged by its signature, not by where it came from.
 */
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { rootCertificates } from "node:tls";
import { DOWNLOAD_DEADLINE_MS, DOWNLOAD_IDLE_MS } from "../../limits.ts";
import { DownloadError, type DownloadHead, type DownloadRequest, type Downloads } from "../../world.ts";

const REDIRECTS_MAX = 5;

export interface DownloadOptions {
  /** PEM; trusted beside the authorities that Node brings. */
  readonly ca?: () => string | undefined;
  readonly isPlainAllowed: boolean;
  /** Shorter in tests. */
  readonly idleMs?: number;
}

export function createDownloads(options: DownloadOptions): Downloads {
  return {
    get: async (request, taker, signal) => {
      // An abort of the deadline, or the caller's.
      const deadline = new AbortController();
      const timer = setTimeout(
        () => deadline.abort(new Error(`not done within ${DOWNLOAD_DEADLINE_MS / 1000} s`)),
        DOWNLOAD_DEADLINE_MS,
      );
      const either = AbortSignal.any([signal, deadline.signal]);
      try {
        const answer = await answered(options, request, new URL(request.url), REDIRECTS_MAX, either);
        taker.onHead(headOf(answer, request));
        await take(answer, request, (bytes) => taker.onPiece(bytes));
      } catch (error) {
        if (error instanceof DownloadError) throw error;
        const because = either.aborted ? (either.reason as unknown) : error;
        throw new DownloadError("unreachable", wordsOf(because), { cause: error });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

async function answered(
  options: DownloadOptions,
  asked: DownloadRequest,
  url: URL,
  redirects: number,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const isTls = url.protocol === "https:";
  if (!isTls && !(options.isPlainAllowed && url.protocol === "http:")) {
    throw new DownloadError("refused", `${url.protocol}//${url.host}: only https is allowed`);
  }
  const answer = await asking(options, asked, url, signal);
  const status = answer.statusCode ?? 0;
  const { location } = answer.headers;
  if ([301, 302, 303, 307, 308].includes(status) && location !== undefined) {
    answer.destroy();
    if (redirects === 0) throw new DownloadError("refused", `${url.host}: redirected more than ${REDIRECTS_MAX} times`);
    return answered(options, asked, new URL(location, url), redirects - 1, signal);
  }
  if (status === 200 || (status === 206 && asked.from > 0)) return answer;
  answer.destroy();
  const words = `${url.host}: ${status} ${answer.statusMessage ?? ""}`.trim();
  if (status === 416) throw new DownloadError("other-file", words);
  throw new DownloadError(
    status >= 400 && status < 500 && status !== 408 && status !== 429 ? "refused" : "unreachable",
    words,
  );
}

const asking = (
  { ca, idleMs = DOWNLOAD_IDLE_MS }: DownloadOptions,
  { from, etag }: DownloadRequest,
  url: URL,
  signal: AbortSignal,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const own = ca?.();
    const request = url.protocol === "https:" ? tlsRequest : plainRequest;
    const asked = request(url, {
      signal,
      agent: false,
      headers: {
        // Bytes are counted and signed as they lie there.
        "accept-encoding": "identity",
        "user-agent": "pump-station",
        ...(from > 0 && { range: `bytes=${from}-`, ...(etag !== undefined && { "if-range": etag }) }),
      },
      ...(own !== undefined && { ca: [...rootCertificates, own] }),
    });
    asked.setTimeout(idleMs, () => asked.destroy(new Error(`${url.host}: silent for ${idleMs / 1000} s`)));
    asked.once("response", resolve);
    asked.on("error", reject);
    asked.end();
  });

/** Throws DownloadError when what is sent isn't what was asked for. */
function headOf(answer: IncomingMessage, { from, bytesMax }: DownloadRequest): DownloadHead {
  const { etag, "content-length": length, "content-range": range, "content-encoding": encoding } = answer.headers;
  const fail = (failure: "other-file" | "refused" | "too-large", words: string): never => {
    answer.destroy();
    throw new DownloadError(failure, words);
  };
  if (encoding !== undefined && encoding !== "identity") fail("refused", `the server packs it (${encoding})`);
  const [, first, whole] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range ?? "") ?? [];
  const isPart = answer.statusCode === 206;
  if (isPart && Number(first) !== from) fail("other-file", `asked from byte ${from}, sent "${range ?? ""}"`);
  const told = isPart ? whole : length;
  const bytes = told !== undefined && /^\d+$/.test(told) ? Number(told) : undefined;
  if (bytes !== undefined && bytes > bytesMax) fail("too-large", `${bytes} bytes, at most ${bytesMax} are taken`);
  // A weak one ("W/…") says that copies are alike, not that their bytes are.
  const isStrong = etag !== undefined && !etag.startsWith("W/");
  return { from: isPart ? from : 0, ...(bytes !== undefined && { bytes }), ...(isStrong && { etag }) };
}

async function take(
  answer: IncomingMessage,
  asked: DownloadRequest,
  onPiece: (bytes: Uint8Array) => void,
): Promise<void> {
  let count = answer.statusCode === 206 ? asked.from : 0;
  for await (const piece of answer as AsyncIterable<Uint8Array>) {
    count += piece.length;
    if (count > asked.bytesMax) {
      answer.destroy();
      throw new DownloadError("too-large", `more than ${asked.bytesMax} bytes`);
    }
    onPiece(piece);
  }
  if (!answer.complete) throw new DownloadError("unreachable", "it broke off");
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Of several addresses of one host each has failed in its own way.
  if (error instanceof AggregateError && error.errors.length > 0) return wordsOf(error.errors[0]);
  return error.message === "aborted" ? "it broke off" : error.message;
}
