/**
 * The authority that signs stations' certificates: apart from the one that stations trust, so that a station's
 * certificate never passes for the bridge's. EC P-256.
 *
 *   station-ca.pem, station-ca-key.pem (0600)   10 years, made at first start
 *
 * A station's certificate bears the station's name twice, as common name and as DNS name, and is good for clients only.
 */
import { createHash, X509Certificate } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Files, IssuedCertificate, ReadRequest, StationAuthority } from "../world.ts";
import { ALGORITHM, type Authority, loadAuthority, newSerial, textFrom } from "./certificates.ts";

const STATION_AUTHORITY = {
  certificate: "station-ca.pem",
  key: "station-ca-key.pem",
  name: "CN=pump-station station CA",
};
/** Clocks of boards and of other checkers are a little behind; a short life isn't made longer than it is. */
const BACKDATE_MS_MAX = 2 * 86_400_000;
const BACKDATE_PART = 0.05;
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** `lifeMs`: how long a certificate is good for. Throws when half an authority lies in `folder`. */
export async function loadStationAuthority(
  deps: { readonly files: Files; readonly nowMs: number },
  folder: string,
  lifeMs: number,
): Promise<StationAuthority> {
  const authority = await loadAuthority(deps, folder, STATION_AUTHORITY);
  const own = new X509Certificate(authority.pem);
  return {
    pem: authority.pem,
    read: readRequest,
    issue: (csr, station, nowMs) => issue(authority, csr, station, nowMs, lifeMs),
    inspect: (der) => {
      const shown = new X509Certificate(der);
      const isOurs = shown.checkIssued(own) && shown.verify(own.publicKey);
      const station = /^CN=(.+)$/m.exec(shown.subject)?.[1];
      if (!isOurs || station === undefined || !shown.keyUsage?.includes(CLIENT_AUTH)) return undefined;
      return { station, serial: serialText(shown.serialNumber), untilMs: Date.parse(shown.validTo) };
    },
  };
}

async function readRequest(csr: string): Promise<ReadRequest> {
  const request = new Pkcs10CertificateRequest(csr);
  const { name, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string };
  if (name !== "ECDSA" || namedCurve !== "P-256") throw new Error(`its key is ${namedCurve ?? name}, not ECDSA P-256`);
  if (!(await request.verify())) throw new Error("it isn't signed with the key that it names");
  const commonName = request.subjectName.getField("CN")[0];
  return { keyHash: keyHashOf(request), ...(commonName !== undefined && { commonName }) };
}

const keyHashOf = ({ publicKey }: Pkcs10CertificateRequest): string =>
  createHash("sha256").update(new Uint8Array(publicKey.rawData)).digest("base64url");

async function issue(
  authority: Authority,
  csr: string,
  station: string,
  nowMs: number,
  lifeMs: number,
): Promise<IssuedCertificate> {
  const request = new Pkcs10CertificateRequest(csr);
  const serial = newSerial();
  // Whole seconds, as the certificate has them (RFC 5280, 4.1.2.5).
  const untilMs = Math.floor((nowMs + lifeMs) / 1_000) * 1_000;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial,
    subject: `CN=${station}`,
    issuer: authority.certificate.subject,
    notBefore: new Date(nowMs - Math.min(BACKDATE_MS_MAX, lifeMs * BACKDATE_PART)),
    notAfter: new Date(untilMs),
    signingAlgorithm: ALGORITHM,
    publicKey: request.publicKey,
    signingKey: authority.key,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([{ type: "dns", value: station }]),
    ],
  });
  return { pem: textFrom(certificate), serial: serialText(serial), untilMs };
}

const serialText = (hex: string): string => hex.toLowerCase();
