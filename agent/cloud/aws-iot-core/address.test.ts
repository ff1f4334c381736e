import { describe, expect, it } from "vitest";
import { parseConfig } from "../../config.ts";
import { readCloudAddress } from "../address.ts";

const HOST = "abc-ats.iot.eu-central-1.amazonaws.com";

describe("the address of an AWS IoT Core", () => {
  it("is its endpoint, with port and named shadow where they aren't the usual ones", () => {
    const text = `aws-iot-core://${HOST}`;
    expect(readCloudAddress(text)).toEqual({ text, dialect: "aws-iot-core", host: HOST, port: 8883 });
    const full = `aws-iot-core://${HOST}:443?shadow=pump-station`;
    expect(readCloudAddress(full)).toMatchObject({ port: 443, shadow: "pump-station" });
  });

  it.each([
    "aws-iot-core:///",
    `aws-iot-core://${HOST}/things`,
    `aws-iot-core://${HOST}?shadow=`,
    `aws-iot-core://${HOST}?shadow=a/b`,
    `aws-iot-core://${HOST}?name=pump`,
    `aws-iot-core://key:secret@${HOST}`,
  ])("isn't %s", (text) => expect(readCloudAddress(text)).toBeUndefined());

  it("asks for a certificate, since nothing else says who the station is", () => {
    const lines = [
      "format: 1",
      "station: gw1",
      "description: station.yaml",
      "data: data",
      `cloud: aws-iot-core://${HOST}`,
    ];
    expect(() => parseConfig("agent.yaml", lines.join("\n"))).toThrow(
      'agent.yaml:5:1 "cloud": AWS IoT Core knows a station by its certificate: give certificate-file and private-key-file',
    );
    const certified = [...lines, "certificate-file: gw1.pem", "private-key-file: gw1.key"];
    expect(parseConfig("agent.yaml", certified.join("\n")).cloud).toMatchObject({ dialect: "aws-iot-core" });
  });
});
