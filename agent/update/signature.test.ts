import { createHash, generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSigned, misdirection, readPublicKey, readSignature, signerOf } from "./signature.ts";
import { publicKeyText, readSigningKey, secretKeyText, signatureText, signingKeyFrom } from "./signing.ts";

/** Made by minisign for its documentation: the file is the four letters "test". */
const PUBLIC = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const LEGACY = `untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==
`;
const PREHASHED = `untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==
`;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const TEST = bytes("test");

const isGood = (file: Uint8Array, text: string, pub: string): boolean => {
  const signature = readSignature(text);
  return isSigned(file, signature, signerOf(signature, [readPublicKey("k.pub", pub)]));
};
const keyOf = (fill: number) => signingKeyFrom(new Uint8Array(32).fill(fill));

describe("a signature that minisign made", () => {
  it.each([
    ["of the file itself", LEGACY, false],
    ["of its BLAKE2b-512", PREHASHED, true],
  ])("%s is good for this file and no other", (_, text, isPrehashed) => {
    expect(readSignature(text)).toMatchObject({ keyId: "E7620F1842B4E81F", isPrehashed });
    expect(isGood(TEST, text, PUBLIC)).toBe(true);
    expect(isGood(bytes("Test"), text, PUBLIC)).toBe(false);
  });
  it("is read with the line ends of any system, and the public key with its comment or without", () => {
    expect(isGood(TEST, LEGACY.replaceAll("\n", "\r\n"), `untrusted comment: mine\r\n${PUBLIC}\r\n`)).toBe(true);
  });
  it("is refused when its trusted comment was changed, or its key isn't trusted", () => {
    const changed = readSignature(PREHASHED.replace("file:test", "station:other"));
    expect(() => signerOf(changed, [readPublicKey("k.pub", PUBLIC)])).toThrow("trusted comment was not signed");
    const other = readPublicKey("o.pub", publicKeyText(keyOf(1)));
    expect(() => signerOf(readSignature(LEGACY), [other])).toThrow(
      `signed by the key E7620F1842B4E81F, which this station doesn't trust; it trusts ${other.id}`,
    );
  });
  it.each([
    "",
    "RWQf",
    LEGACY.split("\n").slice(0, 2).join("\n"),
    `${LEGACY}more\n`,
    LEGACY.replace("RWQ", "AWQ"),
  ])("is refused with words when it isn't whole", (text) =>
    expect(() => readSignature(text)).toThrow(/four lines|unknown kind/));
  it("never throws anything but words, whatever it is given", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.nat(LEGACY.length).map((at) => `${LEGACY.slice(0, at)}x${LEGACY.slice(at + 1)}`),
        ),
        (text) => {
          let read: ReturnType<typeof readSignature>;
          try {
            read = readSignature(text);
          } catch (error) {
            expect((error as Error).message).toContain("signature");
            return;
          }
          try {
            isSigned(TEST, read, signerOf(read, [readPublicKey("k.pub", PUBLIC)]));
          } catch (error) {
            expect((error as Error).message).toContain("sign");
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("a signature made here", () => {
  it("is good for every file under its own key only", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (file, at) => {
        const text = signatureText(file, keyOf(7), "station:lake");
        expect(isGood(file, text, publicKeyText(keyOf(7)))).toBe(true);
        const changed = Uint8Array.of(...file, at & 0xff);
        expect(isGood(changed, text, publicKeyText(keyOf(7)))).toBe(false);
        expect(() => isGood(file, text, publicKeyText(keyOf(8)))).toThrow("doesn't trust");
      }),
      { numRuns: 100 },
    );
  });
  it("of the older kind is good for the whole file, not for its beginning", () => {
    const key = keyOf(7);
    const file = Uint8Array.from({ length: 500 }, (_, at) => at & 0xff);
    const signature = sign(null, file, key.privateKey);
    const global = sign(null, Buffer.concat([signature, Buffer.from("c")]), key.privateKey);
    const line = Buffer.concat([Buffer.from("Ed"), key.id, signature]).toString("base64");
    const text = ["untrusted comment: ", line, "trusted comment: c", global.toString("base64"), ""].join("\n");
    expect(isGood(file, text, publicKeyText(key))).toBe(true);
    for (const at of [0, 64, 128, 499])
      expect(isGood(file.with(at, 7), text, publicKeyText(key)), `byte ${at}`).toBe(false);
  });
  it("comes from a key that is kept as PEM, and read again", () => {
    const key = keyOf(3);
    expect(publicKeyText(readSigningKey("k", secretKeyText(key)))).toBe(publicKeyText(key));
    const rsa = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" });
    expect(() => readSigningKey("k", rsa.toString())).toThrow("k: this is no Ed25519 key");
  });
  it("comes from minisign's own key too, if that has no password", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(16);
    const pub = publicKey.export({ format: "der", type: "spki" }).subarray(12);
    const id = Buffer.from("0102030405060708", "hex");
    const key = (kdf: string) => {
      const parts = [Buffer.from(`Ed${kdf}B2`), Buffer.alloc(48), id, seed, pub, Buffer.alloc(32)];
      return `untrusted comment: minisign secret key\n${Buffer.concat(parts).toString("base64")}\n`;
    };
    const file = bytes("a file");
    const text = signatureText(file, readSigningKey("k", key("\0\0")), "c");
    const line = Buffer.concat([Buffer.from("Ed"), id, pub]).toString("base64");
    expect(readSignature(text).keyId).toBe("0807060504030201");
    expect(isGood(file, text, line)).toBe(true);
    const hashed = createHash("blake2b512").update(file).digest();
    expect(Buffer.from(readSignature(text).signature)).toEqual(sign(null, hashed, privateKey));
    expect(() => readSigningKey("k", key("Sc"))).toThrow("has a password");
  });
});

describe("a trusted comment", () => {
  const here = { station: "demo-lake", basedOn: "aa" };
  it.each([
    ["timestamp:1556193335\tfile:test\thashed", undefined],
    ["station:demo-lake", undefined],
    ["station:other, station:demo-*", undefined],
    ["station:demo-lake based-on:aa", undefined],
    ["station:other", "signed for station other; this is demo-lake"],
    ["station:demo", "signed for station demo; this is demo-lake"],
    ["station:demo-lake-2", "signed for station demo-lake-2; this is demo-lake"],
    ["station:demo-lake based-on:bb", "signed to follow the description bb, not aa"],
    ["fleet:north", "signed for fleet north; name stations instead: station:NAME, station:BEGIN*"],
  ])("%s", (comment, problem) => expect(misdirection(comment, here)).toBe(problem));
});
