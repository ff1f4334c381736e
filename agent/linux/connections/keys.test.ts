import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pkcs10CertificateRequest } from "@peculiar/x509";
import { afterAll, expect, it } from "vitest";
import { makeParty } from "../../testing/certificates.ts";
import { Secret } from "../../world.ts";
import { createTokenFile } from "../token-file.ts";
import { createKeyMaker } from "./keys.ts";

const keys = createKeyMaker();
const folder = mkdtempSync(join(tmpdir(), "keys-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("makes a P-256 key and a request for the station's name that is signed with it", async () => {
  const { privateKey, csr } = await keys.make("demo-lake");
  const request = new Pkcs10CertificateRequest(csr);
  expect(request.subject).toBe("CN=demo-lake");
  expect(request.publicKey.algorithm).toMatchObject({ name: "ECDSA", namedCurve: "P-256" });
  expect(await request.verify()).toBe(true);
  expect(privateKey.reveal()).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  expect(JSON.stringify({ privateKey })).toBe('{"privateKey":"***"}');
  expect((await keys.make("demo-lake")).privateKey.reveal()).not.toBe(privateKey.reveal());
});

it("reads whose a certificate is and how long, and whether a key is its own", async () => {
  const [fromMs, toMs] = [Date.UTC(2027, 0, 1), Date.UTC(2028, 0, 1)];
  const [mine, other] = [
    await makeParty({ name: "demo-lake", fromMs, toMs }),
    await makeParty({ name: "demo-lake", fromMs, toMs }),
  ];
  expect(keys.read(mine.pem)).toEqual({
    sha256: new X509Certificate(mine.pem).fingerprint256.replaceAll(":", "").toLowerCase(),
    name: "demo-lake",
    serial: expect.stringMatching(/^[0-9a-f]+$/),
    fromMs,
    untilMs: toMs,
  });
  expect(keys.isPair(mine.pem, new Secret(mine.key))).toBe(true);
  expect(keys.isPair(mine.pem, new Secret(other.key))).toBe(false);
  expect(() => keys.read("rubbish")).toThrow();
});

it("takes a token only from a file that nobody else may read, says so once, and removes it after use", () => {
  const log: string[] = [];
  const file = createTokenFile({ log: (_, event) => void log.push(event) }, "token", folder);
  expect(file.read()).toBeUndefined();
  const path = join(folder, "token");
  writeFileSync(path, "kX3\n", { mode: 0o644 });
  chmodSync(path, 0o644);
  expect([file.read(), file.read()]).toEqual([undefined, undefined]);
  expect(log).toEqual(["enrolment-token-unusable"]);
  chmodSync(path, 0o600);
  expect(file.read()?.reveal()).toBe("kX3");
  file.remove();
  expect(existsSync(path)).toBe(false);
  expect(file.read()).toBeUndefined();
});
