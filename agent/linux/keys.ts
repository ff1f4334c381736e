/** Keys and certificates by OpenSSL (node:crypto), requests by @peculiar/x509, which is loaded when one is made. */
import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import { type KeyMaker, Secret } from "../world.ts";

const EC = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export const createKeyMaker = (): KeyMaker => ({
  make: async (name) => {
    // 5 MB of ASN.1 that a station needs once a year.
    const { Pkcs10CertificateRequestGenerator } = await import("@peculiar/x509");
    const keys = await webcrypto.subtle.generateKey(EC, true, ["sign", "verify"]);
    const csr = await Pkcs10CertificateRequestGenerator.create({ name: `CN=${name}`, keys, signingAlgorithm: EC });
    return { privateKey: new Secret(await pemOf(keys.privateKey)), csr: `${csr.toString("pem")}\n` };
  },
  read: (certificate) => {
    const read = new X509Certificate(certificate);
    return {
      name: /^CN=(.+)$/m.exec(read.subject)?.[1] ?? read.subject.replaceAll("\n", ", "),
      serial: read.serialNumber.toLowerCase(),
      fromMs: Date.parse(read.validFrom),
      untilMs: Date.parse(read.validTo),
    };
  },
  isPair: (certificate, privateKey) =>
    new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey.reveal())),
});

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  const pem = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({ format: "pem", type: "pkcs8" });
  return pem.toString();
}
