/**
 * A certificate authority of our own, made at first start: stations trust `ca.pem` and nobody else. EC P-256.
 *
 *   ca.pem, ca-key.pem (0600)          10 years; stations' certificates have an authority of their own
 *   server.pem, server-key.pem (0600)  1 year; made anew a month before it ends or when its names change
 */
import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate as X509,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Files } from "../world.ts";

export interface ServerCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Whose stations' certificates are asked for in the handshake. */
  readonly stationCa?: string;
}

export const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const CA_DAYS = 3_650;
const SERVER_DAYS = 365;
const RENEW_DAYS_BEFORE = 30;
/** Stations whose clock is a little behind must not refuse a certificate that has just been made. */
const BACKDATE_DAYS = 2;

/** Where an authority lies, and what it calls itself. */
interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
  readonly name: string;
}

const SERVER_AUTHORITY: AuthorityFiles = {
  certificate: "ca.pem",
  key: "ca-key.pem",
  name: "CN=pump-station bridge CA",
};

export interface Authority {
  readonly pem: string;
  readonly certificate: X509;
  readonly key: webcrypto.CryptoKey;
}

/** Reads or makes what lies in `folder`. Throws when a file is there but can't be used. */
export async function loadServerCertificate(
  deps: { readonly files: Files; readonly nowMs: number },
  folder: string,
  hosts: readonly string[],
): Promise<ServerCertificate> {
  const authority = await loadAuthority(deps, folder, SERVER_AUTHORITY);
  const names = [...new Set(hosts)].sort();
  const known = readServer(deps, folder, authority, names);
  return known ?? makeServer(deps, folder, authority, names);
}

/** Reads or makes it. Throws when half of it is there: whoever trusts the other half would be lost. */
export async function loadAuthority(
  deps: { readonly files: Files; readonly nowMs: number },
  folder: string,
  where: AuthorityFiles,
): Promise<Authority> {
  return (await readAuthority(deps.files, folder, where)) ?? (await makeAuthority(deps, folder, where));
}

async function readAuthority(files: Files, folder: string, where: AuthorityFiles): Promise<Authority | undefined> {
  const pem = textOf(files.read(join(folder, where.certificate)));
  const key = textOf(files.read(join(folder, where.key)));
  if (pem === undefined && key === undefined) return undefined;
  if (pem === undefined || key === undefined)
    throw new Error(`read the CA in ${folder}: ${where.certificate} or ${where.key} is missing`);
  return { pem, certificate: new X509(pem), key: await importKey(key) };
}

async function makeAuthority(
  deps: { readonly files: Files; readonly nowMs: number },
  folder: string,
  where: AuthorityFiles,
): Promise<Authority> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: where.name,
    ...validity(deps.nowMs, CA_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const pem = textFrom(certificate);
  // The key first: with the certificate alone a second start would find half a CA.
  write(deps.files, join(folder, where.key), await exportKey(keys.privateKey), 0o600);
  write(deps.files, join(folder, where.certificate), pem, 0o644);
  return { pem, certificate, key: keys.privateKey };
}

function readServer(
  { files, nowMs }: { files: Files; nowMs: number },
  folder: string,
  authority: Authority,
  names: readonly string[],
): ServerCertificate | undefined {
  const cert = textOf(files.read(join(folder, "server.pem")));
  const key = textOf(files.read(join(folder, "server-key.pem")));
  if (cert === undefined || key === undefined) return undefined;
  const read = new X509Certificate(cert);
  const isCurrent = new Date(read.validTo).getTime() - nowMs > RENEW_DAYS_BEFORE * DAY_MS;
  const isOurs = read.checkIssued(new X509Certificate(authority.pem)) && read.checkPrivateKey(createPrivateKey(key));
  const hasNames = names.every((name) => (isIP(name) ? read.checkIP(name) : read.checkHost(name)) !== undefined);
  return isCurrent && isOurs && hasNames ? { ca: authority.pem, cert, key } : undefined;
}

async function makeServer(
  deps: { files: Files; nowMs: number },
  folder: string,
  authority: Authority,
  names: readonly string[],
): Promise<ServerCertificate> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: "CN=pump-station bridge",
    issuer: authority.certificate.subject,
    ...validity(deps.nowMs, SERVER_DAYS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map(generalName)),
    ],
  });
  const cert = textFrom(certificate);
  const key = await exportKey(keys.privateKey);
  write(deps.files, join(folder, "server-key.pem"), key, 0o600);
  write(deps.files, join(folder, "server.pem"), cert, 0o644);
  return { ca: authority.pem, cert, key };
}

const generalName = (name: string): JsonGeneralName => ({ type: isIP(name) ? "ip" : "dns", value: name });

const makeKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })
    .export({ format: "pem", type: "pkcs8" })
    .toString();
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const pkcs8 = createPrivateKey(pem).export({ format: "der", type: "pkcs8" });
  return webcrypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, true, ["sign"]);
}

const validity = (nowMs: number, days: number) => ({
  notBefore: new Date(nowMs - BACKDATE_DAYS * DAY_MS),
  notAfter: new Date(nowMs + days * DAY_MS),
});

/** RFC 5280 4.1.2.2: positive, at most 20 octets, unpredictable. */
export function newSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}

const textOf = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes);

export const textFrom = (certificate: X509): string => `${certificate.toString("pem")}\n`;

const write = (files: Files, path: string, text: string, mode: number): void =>
  files.writeDurably(path, new TextEncoder().encode(text), mode);
