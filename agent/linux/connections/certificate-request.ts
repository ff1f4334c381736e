/** A key and its request for a certificate. Apart from keys.ts, because it loads 5 MB of ASN.1 that is needed once a year. */
import { createPrivateKey, webcrypto } from "node:crypto";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { type KeyMaker, Secret } from "../../world.ts";

const EC = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export const makeRequest: KeyMaker["make"] = async (name) => {
  const keys = await webcrypto.subtle.generateKey(EC, true, ["sign", "verify"]);
  const csr = await Pkcs10CertificateRequestGenerator.create({ name: `CN=${name}`, keys, signingAlgorithm: EC });
  return { privateKey: new Secret(await pemOf(keys.privateKey)), csr: `${csr.toString("pem")}\n` };
};

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  const pem = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({ format: "pem", type: "pkcs8" });
  return pem.toString();
}
