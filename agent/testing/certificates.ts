/** Certificates for tests, as broken as wanted: authorities, intermediates and servers, at any time. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

export interface Party {
  readonly pem: string;
  readonly key: string;
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface CertificateWish {
  readonly name: string;
  /** Signs itself when left out. */
  readonly issuer?: Party;
  readonly fromMs: number;
  readonly toMs: number;
  readonly extensions?: readonly x509.Extension[];
  readonly algorithm?: SigningKind;
}

const EC = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const rsa = (hash: string, modulusLength: number) => ({
  name: "RSASSA-PKCS1-v1_5",
  hash,
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
});
const KINDS = {
  ec: EC,
  rsa: rsa("SHA-256", 2_048),
  "rsa-sha1": rsa("SHA-1", 2_048),
  "rsa-1024": rsa("SHA-256", 1_024),
};
export type SigningKind = keyof typeof KINDS;

export const authority = (pathLength?: number): x509.Extension =>
  new x509.BasicConstraintsExtension(true, pathLength, true);
export const forServer = (...names: readonly string[]): x509.Extension =>
  new x509.SubjectAlternativeNameExtension(
    names.map((value) => ({ type: /^[\d.]+$/.test(value) ? ("ip" as const) : ("dns" as const), value })),
  );

export async function makeParty(wish: CertificateWish): Promise<Party> {
  const algorithm = KINDS[wish.algorithm ?? "ec"];
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${wish.name}`,
    issuer: wish.issuer?.certificate.subject ?? `CN=${wish.name}`,
    notBefore: new Date(wish.fromMs),
    notAfter: new Date(wish.toMs),
    publicKey: keys.publicKey,
    signingKey: wish.issuer?.keys.privateKey ?? keys.privateKey,
    // The signature is of the issuer's kind.
    signingAlgorithm: wish.issuer ? { ...wish.issuer.keys.privateKey.algorithm, hash: "SHA-256" } : algorithm,
    extensions: [...(wish.extensions ?? [])],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, "$&\n")}\n-----END PRIVATE KEY-----\n`;
  return { pem: `${certificate.toString("pem")}\n`, key, certificate, keys };
}
