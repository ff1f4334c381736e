/**
 * TLS sessions of earlier connections, which spare the server's certificates and half of a handshake (RFC 8446 §2.2).
 * In memory only: a session lets its holder be this station, and a restart of the process is too rare to be worth a
 * secret on the disk. A ticket of TLS 1.3 is used once while there is another (RFC 8446 appendix C.4: who sees the same one
 * twice knows that it is the same client). The last is used again: a server on OpenSSL gives none to a connection that
 * was resumed, and that this is the same station its address says, too.
 */
import { createHash } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import type { MqttOptions } from "../../world.ts";

/** Servers send two tickets at a time; more than a few are never used before they end. */
const TICKETS_MAX = 4;

export interface TlsSessions {
  /** Made with exactly these credentials and authorities: whoever takes up a session is not checked again. */
  keep(options: MqttOptions, session: Buffer): void;
  /** The newest, taken out: one that the server doesn't know any more isn't offered again. */
  take(options: MqttOptions): Buffer | undefined;
  /** The server took it. Kept for another time if there is no other. */
  wasTaken(options: MqttOptions, session: Buffer): void;
  /**
   * Authorities, certificate and key as OpenSSL holds them: one for all connections with these credentials. Node would
   * make one for each connection, 0.1 MB that stay until V8 next collects everything, which may be hours later.
   */
  contextOf(options: MqttOptions): SecureContext;
}

export function createTlsSessions(): TlsSessions {
  let known: { readonly of: string; readonly tickets: Buffer[] } | undefined;
  let made: { readonly of: MqttOptions; readonly context: SecureContext } | undefined;
  const ofThese = (options: MqttOptions): Buffer[] => {
    const of = fingerprintOf(options);
    if (known?.of !== of) known = { of, tickets: [] };
    return known.tickets;
  };
  return {
    keep: (options, session) => {
      const tickets = ofThese(options);
      tickets.push(session);
      if (tickets.length > TICKETS_MAX) tickets.shift();
    },
    take: (options) => ofThese(options).pop(),
    wasTaken: (options, session) => {
      const tickets = ofThese(options);
      if (tickets.length === 0) tickets.push(session);
    },
    contextOf: (options) => {
      if (!made || !isSame(made.of, options)) made = { of: options, context: contextFrom(options) };
      return made.context;
    },
  };
}

const isSame = (a: MqttOptions, b: MqttOptions): boolean =>
  a.ca === b.ca && a.cert === b.cert && a.key?.reveal() === b.key?.reveal();

const contextFrom = ({ ca, cert, key }: MqttOptions): SecureContext =>
  createSecureContext({
    ...(ca !== undefined && { ca }),
    ...(key && { key: key.reveal() }),
    ...(cert !== undefined && { cert }),
  });

const fingerprintOf = ({ url, username, ca, cert }: MqttOptions): string =>
  createHash("sha256")
    .update(JSON.stringify([url, username, ca, cert]))
    .digest("hex");
