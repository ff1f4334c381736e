import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../config.ts";
import { notEnrolledHere, replacedText } from "./replaced-board.ts";

const config = (...lines: string[]) =>
  parseConfig(
    "agent.yaml",
    ["format: 1", "station: gw1", "description: /station.yaml", "data: /data", ...lines].join("\n"),
  );

const PASSWORD = config("cloud: mqtts://bridge:8883", "password-file: p");
const CLAIMED = config(
  "cloud: aws-iot-core://abc-ats.iot.eu-central-1.amazonaws.com",
  "claim-certificate-file: claim.pem",
  "claim-private-key-file: claim.key",
  "provisioning-template: pump-stations",
);
const FILES = ["certificate-file: gw1.pem", "private-key-file: gw1.key"];
const AWS = config("cloud: aws-iot-core://abc-ats.iot.eu-central-1.amazonaws.com", ...FILES);
const HUB = "cloud: azure-iot-hub://my-hub.azure-devices.net";
const DPS = "cloud: azure-dps://global.azure-devices-provisioning.net/0ne000ID_SCOPE";

/** Self-signed P-256 for CN=gw1, made with openssl for this test; its key is gone. */
const NOW = `-----BEGIN CERTIFICATE-----
MIIBcDCCARegAwIBAgIUH+u2GR/0a5+pw+hJjCKrEmZu2ZIwCgYIKoZIzj0EAwIw
DjEMMAoGA1UEAwwDZ3cxMB4XDTI2MTEyMjE1MTU1N1oXDTM2MTExOTE1MTU1N1ow
DjEMMAoGA1UEAwwDZ3cxMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqyEHZ5LK
bucfL5fSXddCl/M9Gb4y2cZ0U+LCnu6Aw9ibLJuXp8L5mP7sVXZRLHgGqOCmkS2q
4xl+O0KelYmlaqNTMFEwHQYDVR0OBBYEFJDy5GWTCklQIxLB8bZ92x5LoLLbMB8G
A1UdIwQYMBaAFJDy5GWTCklQIxLB8bZ92x5LoLLbMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDRwAwRAIgc2iSER4ayUsaiUHlmb2f5tBVydgrfnFtLNM5VSoC
7pMCIEi0q19pgJUdKa0Z45lCD22IvcGfR+q0pPeDTq1DHBR9
-----END CERTIFICATE-----`;
const sha256 = (pem: string): string => new X509Certificate(pem).fingerprint256.replaceAll(":", "");

describe("after a spare has taken a dead board's place", () => {
  it("our bridge refuses the old board by itself", () => {
    expect(replacedText(PASSWORD, NOW)).toBe("The board that was gw1 before is refused from now on.");
  });

  it("on AWS it says which certificate to keep, by its id, and how to deactivate the others", () => {
    const text = replacedText(CLAIMED, NOW);
    expect(text).toContain("The board that was gw1 before is still let in, until you do this:");
    expect(text).toContain(`keep:        ${sha256(NOW).toLowerCase()} (this board's)`);
    expect(text).toContain("aws iot list-thing-principals --thing-name gw1");
    expect(text).toContain("aws iot update-certificate --new-status INACTIVE --certificate-id ID");
  });

  it("on Azure it says whose key or thumbprint to change, with the command where there is one", () => {
    expect(replacedText(config(HUB, "access-key-file: azure-key"), undefined)).toMatch(
      /renew-key --hub-name my-hub --device-id gw1 --key-type both\n.*into azure-key here/,
    );
    expect(replacedText(config(DPS, "access-key-file: azure-key"), undefined)).toMatch(
      /the enrolment of gw1 other keys .* delete the device gw1 in its hub\n.*into azure-key here/,
    );
    expect(replacedText(config(DPS, "access-key-file: fleet-key", "access-key-of: group"), undefined)).toMatch(
      /the whole enrolment group \(fleet-key\)/,
    );
    const thumbprint = sha256(NOW);
    expect(replacedText(config(HUB, ...FILES), NOW)).toContain(
      `--hub-name my-hub --device-id gw1 --primary-thumbprint ${thumbprint} --secondary-thumbprint ${thumbprint}`,
    );
    expect(replacedText(config(DPS, ...FILES), NOW)).toContain("--hub-name HUB --device-id gw1");
  });
});

it("where a board gets no certificate, it says what it shows instead", () => {
  expect([PASSWORD, CLAIMED].map(notEnrolledHere)).toEqual([undefined, undefined]);
  expect(notEnrolledHere(AWS)).toMatch(/gw1 shows certificate-file.*claim-certificate-file/);
  expect(notEnrolledHere(config(HUB, "access-key-file: k"))).toMatch(/\(access-key-file\), and no token/);
  expect(notEnrolledHere(config(DPS, ...FILES))).toMatch(/\(certificate-file\), and no token/);
});
