import { X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { beforeAll, describe, expect, it } from "vitest";
import { authority, type CertificateWish, forServer, makeParty, type Party } from "../../testing/certificates.ts";
import { certificateFacts } from "./certificate-facts.ts";
import { certificatesIn, pathProblem } from "./certificate-path.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 22);
const FOR_YEARS = { fromMs: NOW - 300 * DAY, toMs: NOW + 300 * DAY };
const node = (party: Party) => new X509Certificate(party.pem);

let root: Party;
let middle: Party;
beforeAll(async () => {
  root = await makeParty({ name: "root", ...FOR_YEARS, extensions: [authority()] });
  middle = await makeParty({ name: "middle", ...FOR_YEARS, issuer: root, extensions: [authority(0)] });
});

const server = (wish: Partial<CertificateWish> = {}) =>
  makeParty({ name: "server", ...FOR_YEARS, issuer: root, extensions: [forServer("bridge.example")], ...wish });

const judge = async (leaf: Party, others: readonly Party[] = [], anchors: readonly Party[] = [root], atMs = NOW) =>
  pathProblem({ leaf: node(leaf), others: others.map(node), anchors: anchors.map(node), atMs });

describe("the path from a certificate to a trusted authority", () => {
  it("holds directly, over an intermediate authority, and for a certificate that is trusted itself", async () => {
    expect(await judge(await server())).toBeUndefined();
    expect(await judge(await server({ issuer: middle }), [middle])).toBeUndefined();
    const own = await makeParty({ name: "own", ...FOR_YEARS, extensions: [forServer("bridge.example")] });
    expect(await judge(own, [], [own])).toBeUndefined();
  });

  it("doesn't hold without the intermediate, nor from an authority of the same name with another key", async () => {
    expect(await judge(await server({ issuer: middle }))).toBe("no path to a trusted authority");
    const impostor = await makeParty({ name: "root", ...FOR_YEARS, extensions: [authority()] });
    const forged = await server({ issuer: impostor });
    expect(await judge(forged)).toBe("no path to a trusted authority");
    // What the server sends along is trusted in nothing, least of all as an authority.
    expect(await judge(forged, [impostor])).toBe("no path to a trusted authority");
  });

  it("ends for good when one of its certificates has expired at that time; one that begins later is none too early", async () => {
    const leaf = await server({ toMs: NOW - DAY });
    expect(await judge(leaf)).toMatch(/^CN=server: expired on /);
    expect(await judge(leaf, [], [root], NOW - 2 * DAY)).toBeUndefined();
    const old = await makeParty({ name: "old", fromMs: NOW - 9 * DAY, toMs: NOW - DAY, extensions: [authority()] });
    expect(await judge(await server({ issuer: old }), [], [old])).toMatch(/^CN=old: expired/);
    // The time is only known to have passed: it may be much later by now.
    expect(await judge(await server({ fromMs: NOW + DAY }))).toBeUndefined();
  });

  it("doesn't hold over a certificate that is no authority, nor over more authorities than one allows", async () => {
    const plain = await server({ name: "plain" });
    expect(await judge(await server({ issuer: plain }), [plain])).toBe("CN=plain: no authority");
    const second = await makeParty({ name: "second", ...FOR_YEARS, issuer: middle, extensions: [authority()] });
    const below = await server({ issuer: second });
    expect(await judge(below, [second, middle])).toBe("CN=middle: too many authorities below it");
    const mute = new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true);
    const signer = await makeParty({ name: "signer", ...FOR_YEARS, issuer: root, extensions: [authority(), mute] });
    expect(await judge(await server({ issuer: signer }), [signer])).not.toBeUndefined();
  });

  it("doesn't hold for what isn't meant for TLS servers", async () => {
    const client = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]);
    expect(await judge(await server({ extensions: [client] }))).toBe("CN=server: not meant for TLS servers");
    const signing = new x509.KeyUsagesExtension(x509.KeyUsageFlags.cRLSign, true);
    expect(await judge(await server({ extensions: [signing] }))).toBe("CN=server: its key isn't meant for TLS");
    const both = new x509.ExtendedKeyUsageExtension([
      x509.ExtendedKeyUsage.clientAuth,
      x509.ExtendedKeyUsage.serverAuth,
    ]);
    expect(await judge(await server({ extensions: [both] }))).toBeUndefined();
  });

  it("doesn't hold on short keys, weak signatures, or extensions that nobody here understands", async () => {
    expect(await judge(await server({ algorithm: "rsa" }))).toBeUndefined();
    expect(await judge(await server({ algorithm: "rsa-1024" }))).toBe("CN=server: RSA key of 1024 bits");
    const weak = await makeParty({ name: "weak", ...FOR_YEARS, algorithm: "rsa-sha1", extensions: [forServer("x")] });
    expect(await judge(weak, [], [weak])).toMatch(/signed by algorithm 2a864886f70d010105/);
    const strange = new x509.Extension("1.2.3.4", true, new Uint8Array([5, 0]));
    expect(await judge(await server({ extensions: [strange] }))).toMatch(/extension 2a0304 isn't understood/);
    const harmless = new x509.Extension("1.2.3.4", false, new Uint8Array([5, 0]));
    expect(await judge(await server({ extensions: [harmless] }))).toBeUndefined();
    const narrow = new x509.Extension("2.5.29.30", false, new Uint8Array([0x30, 0]));
    const limited = await makeParty({ name: "limited", ...FOR_YEARS, issuer: root, extensions: [authority(), narrow] });
    expect(await judge(await server({ issuer: limited }), [limited])).toMatch(/extension 551d1e isn't understood/);
  });

  it("ends, however many certificates are sent along that issue each other", async () => {
    const many: Party[] = [];
    for (let count = 0; count < 6; count++)
      many.push(
        await makeParty({ name: "loop", ...FOR_YEARS, issuer: many.at(-1) ?? middle, extensions: [authority()] }),
      );
    const last = many.at(-1);
    expect(await judge(await server(last && { issuer: last }), many)).toBe("no path to a trusted authority");
  });
});

describe("what is read of a certificate's bytes", () => {
  it("is what its maker wrote", async () => {
    const usage = new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true);
    const made = await makeParty({ name: "ca", ...FOR_YEARS, extensions: [authority(3), usage] });
    expect(certificateFacts(node(made).raw)).toEqual({
      signatureAlgorithm: "2a8648ce3d040302",
      pathLength: 3,
      keyUsage: 0x06,
      extensions: [
        { oid: "551d13", isCritical: true },
        { oid: "551d0f", isCritical: true },
      ],
    });
    expect(certificateFacts(node(root).raw).pathLength).toBeUndefined();
  });

  it("is a RangeError where they are cut", () => {
    const { raw } = node(root);
    for (const length of [0, 1, 3, 40, raw.length - 1])
      expect(() => certificateFacts(raw.subarray(0, length))).toThrow(RangeError);
  });

  it("is read of every certificate of a PEM file, whatever stands between them", () => {
    expect(certificatesIn(`# ours\n${root.pem}\nand\n${middle.pem}`).map(({ subject }) => subject)).toEqual([
      "CN=root",
      "CN=middle",
    ]);
  });
});
