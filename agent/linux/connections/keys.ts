/** Keys and certificates by OpenSSL (node:crypto); requests by @peculiar/x509, which is loaded when one is made. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { KeyMaker } from "../../world.ts";

export const createKeyMaker = (): KeyMaker => ({
  make: async (name) => (await import("./certificate-request.ts")).makeRequest(name),
  read: (certificate) => {
    const read = new X509Certificate(certificate);
    return {
      name: /^CN=(.+)$/m.exec(read.subject)?.[1] ?? read.subject.replaceAll("\n", ", "),
      serial: read.serialNumber.toLowerCase(),
      sha256: read.fingerprint256.replaceAll(":", "").toLowerCase(),
      fromMs: Date.parse(read.validFrom),
      untilMs: Date.parse(read.validTo),
    };
  },
  isPair: (certificate, privateKey) =>
    new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey.reveal())),
});
