/**
 * A TLS connection while the clock isn't set. The handshake is done and everything about the certificate judged before
 * the socket is handed to whoever speaks over it: not one of their bytes has left when it is refused.
 *
 * OpenSSL judges by the system's clock, for which Node offers no other. Of what it finds wrong only "not yet valid" is
 * overridden, and only after the path and the host name were checked here, against a time that has certainly passed.
 */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { checkServerIdentity, connect, type DetailedPeerCertificate, rootCertificates, type TLSSocket } from "node:tls";
import { certificatesIn, pathProblem } from "./certificate-path.ts";

/** X509_V_ERR_CERT_NOT_YET_VALID, in Node's words. */
const NOT_YET_VALID = "CERT_NOT_YET_VALID";
const PORT_DEFAULT = 8883;
/** What a server sends along; more is no chain. */
const SENT_ALONG_MAX = 16;

export interface UnclockedTls {
  /** mqtts://host:port */
  readonly url: string;
  /** PEM; without it the authorities that Node brings. */
  readonly ca?: string;
  readonly key?: string;
  readonly cert?: string;
  readonly alpn?: string;
  /** A time that has certainly passed, ms since 1970. */
  readonly passedMs: number;
  readonly timeoutMs: number;
}

export interface Verified {
  readonly socket: TLSSocket;
  /** Whether the system's clock would have refused it. */
  readonly isOverridden: boolean;
}

/** Rejects with an Error that says what was wrong; its `code` is OpenSSL's where that was it. */
export function connectUnclocked(options: UnclockedTls, signal: AbortSignal): Promise<Verified> {
  const { hostname, port } = new URL(options.url);
  const host = hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: port === "" ? PORT_DEFAULT : Number(port),
      // Judged below, in the handler of the handshake's end, before anybody else has the socket.
      rejectUnauthorized: false,
      ...(isIP(host) === 0 && { servername: host }),
      ...(options.ca !== undefined && { ca: options.ca }),
      ...(options.key !== undefined && { key: options.key }),
      ...(options.cert !== undefined && { cert: options.cert }),
      ...(options.alpn !== undefined && { ALPNProtocols: [options.alpn] }),
    });
    const timer = setTimeout(() => fail(new Error(`no TLS within ${options.timeoutMs} ms`)), options.timeoutMs);
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.off("error", fail);
      socket.off("close", onClose);
      act();
    };
    const fail = (error: Error) =>
      settle(() => {
        socket.on("error", () => undefined);
        socket.destroy();
        reject(error);
      });
    const onAbort = () => fail(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    const onClose = () => fail(new Error("closed during the TLS handshake"));
    socket.once("secureConnect", () => {
      const refusal = refusalOf(socket, host, options);
      if (refusal) fail(refusal);
      else settle(() => resolve({ socket, isOverridden: !socket.authorized }));
    });
    socket.on("error", fail);
    socket.on("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function refusalOf(socket: TLSSocket, host: string, options: UnclockedTls): Error | undefined {
  const found = socket.authorizationError as unknown;
  const code = found instanceof Error ? found.message : String(found);
  if (!socket.authorized && code !== NOT_YET_VALID)
    return Object.assign(new Error(`certificate of ${host}: ${code}`), { code });
  const sent = socket.getPeerCertificate(true);
  const chain = chainFrom(sent);
  const [leaf, ...others] = chain;
  if (!leaf) return new Error(`certificate of ${host}: none was sent`);
  // Node doesn't look at the name once something else was wrong.
  const wrongName = checkServerIdentity(host, sent);
  if (wrongName) return wrongName;
  const problem = socket.authorized
    ? expiryIn(chain, options.passedMs)
    : pathProblem({ leaf, others, anchors: anchorsFrom(options.ca), atMs: options.passedMs });
  return problem === undefined ? undefined : new Error(`certificate of ${host}: ${problem}`);
}

/** The path stands by OpenSSL; but by a clock that may be behind. */
const expiryIn = (chain: readonly X509Certificate[], passedMs: number): string | undefined => {
  const expired = chain.find(({ validTo }) => Date.parse(validTo) < passedMs);
  return expired && `expired on ${expired.validTo}`;
};

const anchorsFrom = (ca: string | undefined): X509Certificate[] => certificatesIn(ca ?? rootCertificates.join("\n"));

/** Node links each certificate to its issuer, the last one to itself. */
function chainFrom(sent: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = sent;
  const seen = new Set<DetailedPeerCertificate>();
  // An empty object stands for no certificate.
  while (next?.raw && !seen.has(next) && chain.length < SENT_ALONG_MAX) {
    seen.add(next);
    chain.push(new X509Certificate(next.raw));
    next = next.issuerCertificate;
  }
  return chain;
}
