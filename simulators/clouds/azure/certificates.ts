/** What a client certificate proves: a thumbprint that is known, or a chain up to an authority that is trusted. */
import { X509Certificate } from "node:crypto";

/** As the TLS handshake gave it: DER, the leaf first, then what else the client sent. */
export type CertificateChain = readonly Uint8Array[];

export interface Leaf {
  readonly sha1: string;
  readonly sha256: string;
  readonly commonName: string | undefined;
  readonly certificate: X509Certificate;
}

/** Throws when the bytes are no certificate. */
export function leafOf(chain: CertificateChain): Leaf | undefined {
  const [der] = chain;
  if (!der) return undefined;
  const certificate = new X509Certificate(der);
  return {
    sha1: normalThumbprint(certificate.fingerprint),
    sha256: normalThumbprint(certificate.fingerprint256),
    commonName: /(?:^|\n)CN=([^\n]+)/.exec(certificate.subject)?.[1],
    certificate,
  };
}

/** Colons, spaces and case don't matter. */
export const normalThumbprint = (text: string): string => text.replaceAll(/[:\s]/g, "").toUpperCase();

/** A sentence that says why the certificate isn't valid now, or undefined. */
export function lifeProblemOf({ certificate }: Leaf, nowMs: number): string | undefined {
  if (Date.parse(certificate.validFrom) > nowMs) return `the certificate is valid only from ${certificate.validFrom}`;
  if (Date.parse(certificate.validTo) <= nowMs) return `the certificate ended at ${certificate.validTo}`;
  return undefined;
}

/** A chain has at most this many steps up from the leaf. */
const STEPS_MAX = 5;

/** Whether the leaf was signed, over what the client sent along, by one of these authorities (PEM). */
export function isSignedByOneOf(chain: CertificateChain, authorities: readonly string[], nowMs: number): boolean {
  const anchors = authorities.map((pem) => new X509Certificate(pem));
  const sent = chain.slice(1).map((der) => new X509Certificate(der));
  let current = chain[0] && new X509Certificate(chain[0]);
  for (let step = 0; current && step < STEPS_MAX; step++) {
    if (anchors.some((anchor) => isIssuedBy(current, anchor, nowMs))) return true;
    current = sent.find((candidate) => isIssuedBy(current, candidate, nowMs));
  }
  return false;
}

function isIssuedBy(certificate: X509Certificate | undefined, issuer: X509Certificate, nowMs: number): boolean {
  if (!certificate?.checkIssued(issuer) || !issuer.ca) return false;
  const isAlive = Date.parse(issuer.validFrom) <= nowMs && Date.parse(issuer.validTo) > nowMs;
  return isAlive && certificate.verify(issuer.publicKey);
}
