/**
 * What Node's X509Certificate doesn't tell of a certificate. It has been parsed by OpenSSL before, so that these bytes
 * are well-formed DER (X.690); anything else ends in a RangeError.
 *
 *   Certificate    SEQUENCE { tbsCertificate, signatureAlgorithm, signature }                        (RFC 5280, 4.1)
 *   tbsCertificate SEQUENCE { [0] version, serial, AlgorithmIdentifier, issuer, validity, subject, key, … [3] extensions }
 *   Extension      SEQUENCE { OID, BOOLEAN critical (default false), OCTET STRING { the extension's own DER } }
 */
export interface CertificateFacts {
  /** DER of the object identifier in hex: sha256WithRSAEncryption is 2a864886f70d01010b. */
  readonly signatureAlgorithm: string;
  /** How many further authorities may follow below (RFC 5280, 4.2.1.9); undefined: any number. */
  readonly pathLength: number | undefined;
  /** First byte of the key usage's bits (4.2.1.3): 0x80 digitalSignature, 0x20 keyEncipherment …; undefined: any use. */
  readonly keyUsage: number | undefined;
  /** Object identifiers of all extensions, in hex; 551d13 is basicConstraints. */
  readonly extensions: readonly { readonly oid: string; readonly isCritical: boolean }[];
}

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const EXTENSIONS = 0xa3;
const SIGNATURE_ALGORITHM_AT = 2;
const BASIC_CONSTRAINTS = "551d13";
const KEY_USAGE = "551d0f";

interface Node {
  readonly tag: number;
  readonly body: Uint8Array;
}

/** Throws RangeError. */
export function certificateFacts(der: Uint8Array): CertificateFacts {
  const [certificate] = nodesIn(der);
  const [tbs] = nodesIn(bodyOf(certificate));
  const fields = nodesIn(bodyOf(tbs));
  const algorithm = nodesIn(bodyOf(fields[SIGNATURE_ALGORITHM_AT]))[0];
  const list = fields.find(({ tag }) => tag === EXTENSIONS);
  const extensions = list ? nodesIn(bodyOf(nodesIn(list.body)[0])).map(extensionFrom) : [];
  const valueOf = (oid: string) => extensions.find((extension) => extension.oid === oid)?.value;
  return {
    signatureAlgorithm: hex(bodyOf(algorithm)),
    pathLength: pathLengthIn(valueOf(BASIC_CONSTRAINTS)),
    keyUsage: firstBitsIn(valueOf(KEY_USAGE)),
    extensions: extensions.map(({ oid, isCritical }) => ({ oid, isCritical })),
  };
}

function extensionFrom(node: Node) {
  const [oid, ...rest] = nodesIn(node.body);
  const critical = rest[0]?.tag === BOOLEAN ? rest[0] : undefined;
  return { oid: hex(bodyOf(oid)), isCritical: critical?.body[0] === 0xff, value: bodyOf(rest.at(-1)) };
}

/** SEQUENCE { BOOLEAN cA, INTEGER pathLenConstraint }, both optional. */
function pathLengthIn(value: Uint8Array | undefined): number | undefined {
  const length = value && nodesIn(bodyOf(nodesIn(value)[0])).find(({ tag }) => tag === INTEGER);
  return length?.body.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** BIT STRING: how many bits of the last byte are unused, then the bits. */
const firstBitsIn = (value: Uint8Array | undefined): number | undefined => value && (bodyOf(nodesIn(value)[0])[1] ?? 0);

/** The elements that lie one after another in these bytes. */
function nodesIn(bytes: Uint8Array): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0;
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const bodyAt = at + 2 + lengthBytes;
    const length =
      lengthBytes === 0 ? first : bytes.subarray(at + 2, bodyAt).reduce((sum, byte) => sum * 256 + byte, 0);
    if (lengthBytes > 4 || bodyAt + length > bytes.length)
      throw new RangeError(`read a certificate: cut at byte ${at}`);
    nodes.push({ tag, body: bytes.subarray(bodyAt, bodyAt + length) });
    at = bodyAt + length;
  }
  return nodes;
}

function bodyOf(node: Node | undefined): Uint8Array {
  if (!node) throw new RangeError("read a certificate: an element is missing");
  return node.body;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
