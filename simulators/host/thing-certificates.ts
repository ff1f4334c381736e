/** Client certificates for things, signed by the authority that `loadServerCertificate` keeps in a folder. EC P-256. */
import { createPrivateKey, X509Certificate as NodeCertificate, webcrypto } from "node:crypto";
import { join } from "node:path";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Files } from "@pump-station/cloud-bridge/world.ts";

export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const LIFE_MS = 365 * DAY_MS;
/** Clocks that are a little behind must not refuse it. */
const BACKDATED_MS = 2 * DAY_MS;

/** `lifeMs`: how long it holds from now. Throws when the authority isn't in the folder. */
export async function issueClientCertificate(
  deps: { readonly files: Files; readonly nowMs: number },
  folder: string,
  name: string,
  lifeMs = LIFE_MS,
): Promise<ClientCertificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await signed(deps, folder, { subject: `CN=${name}`, publicKey: keys.publicKey, lifeMs });
  return { certificate, key: await exportKey(keys.privateKey) };
}

/** For a request (PKCS #10 in PEM): its key under AWS's own subject, as certificates of that service have it. */
export async function issueForRequest(
  deps: { readonly files: Files; readonly nowMs: number },
  folder: string,
  csr: string,
  lifeMs = LIFE_MS,
): Promise<{ readonly id: string; readonly pem: string }> {
  const request = new Pkcs10CertificateRequest(csr);
  if (!(await request.verify())) throw new Error("the CSR isn't signed with its key");
  const publicKey = (await request.publicKey.export()) as webcrypto.CryptoKey;
  const pem = await signed(deps, folder, { subject: "CN=AWS IoT Certificate", publicKey, lifeMs });
  return { id: new NodeCertificate(pem).fingerprint256.replaceAll(":", "").toLowerCase(), pem };
}

async function signed(
  deps: { readonly files: Files; readonly nowMs: number },
  folder: string,
  { subject, publicKey, lifeMs }: { subject: string; publicKey: webcrypto.CryptoKey; lifeMs: number },
): Promise<string> {
  const authority = new X509Certificate(read(deps.files, join(folder, "ca.pem")));
  const certificate = await X509CertificateGenerator.create({
    subject,
    issuer: authority.subject,
    notBefore: new Date(deps.nowMs - BACKDATED_MS),
    notAfter: new Date(deps.nowMs + lifeMs),
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey: await importKey(read(deps.files, join(folder, "ca-key.pem"))),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

function read(files: Files, path: string): string {
  const bytes = files.read(path);
  if (!bytes) throw new Error(`${path}: there is no such file; whoever serves makes it`);
  return new TextDecoder().decode(bytes);
}

const importKey = (pem: string): Promise<webcrypto.CryptoKey> => {
  const der = createPrivateKey(pem).export({ format: "der", type: "pkcs8" });
  return webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
};

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })
    .export({ format: "pem", type: "pkcs8" })
    .toString();
}
