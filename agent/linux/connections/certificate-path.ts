/**
 * Whether a server's certificate leads to an authority that we trust, at a time that isn't the system's. Needed only
 * while the clock isn't set (docs/decisions/014-time-and-tls.md): OpenSSL judges by the system's clock, and goes on
 * after an error, so that its "not yet valid" may stand in front of any other. Narrower than OpenSSL on purpose (RFC 5280,
 * section 6, without policies, name constraints and revocation, which are refused or not asked for): what isn't
 * understood here waits until the clock is set.
 */
import { X509Certificate } from "node:crypto";
import { certificateFacts } from "./certificate-facts.ts";

/** Leaf, two intermediates and a cross-signed one: the longest that public clouds send. */
const PATH_MAX = 4;
/** sha256, sha384, sha512 with RSA; ecdsa with the same; Ed25519, Ed448 (RFC 4055, 5758, 8410). */
const SIGNATURES = new Set([
  "2a864886f70d01010b",
  "2a864886f70d01010c",
  "2a864886f70d01010d",
  "2a8648ce3d040302",
  "2a8648ce3d040303",
  "2a8648ce3d040304",
  "2b6570",
  "2b6571",
]);
const RSA_BITS_MIN = 2_048;
const CURVES = new Set(["prime256v1", "secp384r1", "secp521r1"]);
/** basicConstraints, keyUsage, extKeyUsage, subjectAltName, certificatePolicies: the critical ones that are heeded here. */
const HEEDED = new Set(["551d13", "551d0f", "551d25", "551d11", "551d20"]);
const NAME_CONSTRAINTS = "551d1e";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
/** digitalSignature, keyEncipherment, keyAgreement: what a TLS server's key does. */
const SERVER_KEY_USES = 0x80 | 0x20 | 0x08;

export interface PathQuestion {
  readonly leaf: X509Certificate;
  /** What the server sent along, in any order; trusted in nothing. */
  readonly others: readonly X509Certificate[];
  readonly anchors: readonly X509Certificate[];
  /** A time that has certainly passed, ms since 1970: what ended before has expired. */
  readonly atMs: number;
}

/** undefined when all is well, else what isn't, in words. */
export function pathProblem(question: PathQuestion): string | undefined {
  const path = pathFrom(question);
  if (!path) return "no path to a trusted authority";
  for (const [at, certificate] of path.entries()) {
    const problem = problemOf(certificate, at, question.atMs);
    if (problem !== undefined) return `${nameOf(certificate)}: ${problem}`;
  }
  return undefined;
}

/** From the leaf to an anchor, each signed by the next; the first that is found. */
function pathFrom({ leaf, others, anchors }: PathQuestion): X509Certificate[] | undefined {
  const search = (path: readonly X509Certificate[]): X509Certificate[] | undefined => {
    const last = path.at(-1);
    if (!last) return undefined;
    if (anchors.some((anchor) => isSame(anchor, last))) return [...path];
    const anchor = anchors.find((candidate) => isIssuedBy(last, candidate));
    if (anchor) return [...path, anchor];
    if (path.length >= PATH_MAX) return undefined;
    for (const next of others) {
      if (path.some((known) => isSame(known, next)) || !isIssuedBy(last, next)) continue;
      const found = search([...path, next]);
      if (found) return found;
    }
    return undefined;
  };
  return search([leaf]);
}

const isSame = (a: X509Certificate, b: X509Certificate): boolean => a.raw.equals(b.raw);

/** Names and key identifiers agree (checkIssued), and the signature is right. */
const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

/** `at`: 0 is the leaf; below an authority stand at - 1 other authorities. */
function problemOf(certificate: X509Certificate, at: number, nowMs: number): string | undefined {
  const endsMs = Date.parse(certificate.validTo);
  if (!(endsMs >= nowMs)) return `expired on ${certificate.validTo}`;
  if (certificate.keyUsage && !certificate.keyUsage.includes(SERVER_AUTH)) return "not meant for TLS servers";
  const weakness = weaknessOf(certificate);
  if (weakness !== undefined) return weakness;
  const facts = certificateFacts(certificate.raw);
  if (!SIGNATURES.has(facts.signatureAlgorithm)) return `signed by algorithm ${facts.signatureAlgorithm}`;
  const strange = facts.extensions.find(
    ({ oid, isCritical }) => oid === NAME_CONSTRAINTS || (isCritical && !HEEDED.has(oid)),
  );
  if (strange) return `extension ${strange.oid} isn't understood while the clock isn't set`;
  if (at === 0) {
    const use = facts.keyUsage ?? SERVER_KEY_USES;
    return (use & SERVER_KEY_USES) === 0 ? "its key isn't meant for TLS" : undefined;
  }
  // OpenSSL's X509_check_ca: cA in basicConstraints, and keyCertSign where there is a key usage.
  if (!certificate.ca) return "no authority";
  return facts.pathLength !== undefined && at - 1 > facts.pathLength ? "too many authorities below it" : undefined;
}

function weaknessOf({ publicKey }: X509Certificate): string | undefined {
  const details = publicKey.asymmetricKeyDetails ?? {};
  switch (publicKey.asymmetricKeyType) {
    case "rsa":
    case "rsa-pss":
      return (details.modulusLength ?? 0) < RSA_BITS_MIN ? `RSA key of ${details.modulusLength} bits` : undefined;
    case "ec":
      return CURVES.has(details.namedCurve ?? "") ? undefined : `key on curve ${details.namedCurve}`;
    case "ed25519":
    case "ed448":
      return undefined;
    default:
      return `key of kind ${publicKey.asymmetricKeyType}`;
  }
}

const nameOf = (certificate: X509Certificate): string => certificate.subject.replaceAll("\n", ", ");

/** Every certificate of a PEM text. Throws on one that can't be read. */
export const certificatesIn = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (text) => new X509Certificate(text),
  );
