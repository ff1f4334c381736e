import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "./config.ts";

const GOOD = `format: 1
station: demo-lake
description: station.yaml
data: /var/lib/pump-station
cloud: mqtts://bridge.example:8883
`;
const problemsOf = (text: string): string => {
  try {
    parseConfig("agent.yaml", text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
};

describe("agent.yaml", () => {
  it("fills in a station's defaults: 15 min, 10 s, 128 MB, a clock that must be synchronised", () => {
    expect(parseConfig("agent.yaml", GOOD)).toMatchObject({
      "upload-interval": 900_000,
      "commit-interval": "by-flash",
      buffer: 134_217_728,
      "when-full": "oldest-first",
      "trust-clock": "when-synchronised",
      poll: "by-description",
    });
  });
  it("reads durations and sizes with their units", () => {
    expect(
      parseConfig("agent.yaml", `${GOOD}upload-interval: 5s\ncommit-interval: 500ms\nbuffer: 20 MB\n`),
    ).toMatchObject({
      "upload-interval": 5_000,
      "commit-interval": 500,
      buffer: 20_000_000,
    });
  });
  it("reads what the link may cost: a budget a month, keep-alive, the interface where bytes are counted", () => {
    expect(parseConfig("agent.yaml", GOOD)).toMatchObject({ "keep-alive": "learn", connection: "by-cost" });
    const keys = "keep-alive: 5min\nbudget: 50 MB/month\nnetwork-interface: wwan0\nconnection: standing\n";
    expect(parseConfig("agent.yaml", GOOD + keys)).toMatchObject({
      "keep-alive": 300_000,
      budget: 50_000_000,
      "network-interface": "wwan0",
      connection: "standing",
    });
    expect(problemsOf(`${GOOD}budget: 50 MB\n`)).toContain(
      'agent.yaml:6:1 "budget": "50 MB" is no budget; write it like 50 MB/month',
    );
    expect(problemsOf(`${GOOD}budget: 10 kB/month\n`)).toContain("at least 1 MB/month");
    expect(problemsOf(`${GOOD}keep-alive: 2h\n`)).toContain("keep-alive");
    expect(problemsOf(`${GOOD}network-interface: ../x\n`)).toContain("/sys/class/net");
  });
  it("names every problem with its place at once", () => {
    const text = `${GOOD.replace("mqtts://bridge.example:8883", "https://x")}upload-interval: 5\nbufer: 3\n`;
    expect(problemsOf(text).split("\n")).toEqual([
      expect.stringContaining('agent.yaml:5:1 "cloud": write it like mqtts://'),
      expect.stringContaining('agent.yaml:6:1 "upload-interval": "5" is no duration'),
      expect.stringContaining('agent.yaml:7:1 "bufer": unknown key'),
    ]);
  });
  it("reads upload windows and names a wrong one", () => {
    const windows = (text: string) => `${GOOD}upload-windows:\n  - ${text}\n`;
    expect(parseConfig("agent.yaml", windows('{ days: [sat], from: "02:30", to: "05:00" }'))["upload-windows"]).toEqual(
      [{ days: ["sat"], from: "02:30", to: "05:00" }],
    );
    expect(problemsOf(windows('{ days: [sunday], from: "2:30", to: "05:00" }'))).toMatch(
      /agent\.yaml:6:1 .*days.*\n.*02:30/,
    );
  });
  it("says which lines are missing", () => {
    expect(problemsOf("format: 1\nstation: x\ncloud: mqtts://a:1\n").split("\n")).toEqual([
      'agent.yaml:1:1 "description": this line is missing',
      'agent.yaml:1:1 "data": this line is missing',
    ]);
  });
  it("refuses a password in the cloud's address, where logs would show it", () => {
    expect(problemsOf(GOOD.replace("mqtts://", "mqtts://user:secret@"))).toContain("password-file");
  });
  it("takes an Azure hub or a provisioning service, with an access key or a certificate", () => {
    const azure = (cloud: string, more = "access-key-file: azure-key\n") =>
      GOOD.replace("mqtts://bridge.example:8883", cloud) + more;
    expect(parseConfig("agent.yaml", azure("azure-iot-hub://My-Hub.azure-devices.net"))).toMatchObject({
      cloud: {
        dialect: "azure-iot-hub",
        host: "my-hub.azure-devices.net",
        port: 8883,
        name: "my-hub.azure-devices.net",
      },
      "token-life": 86_400_000,
      "access-key-of": "device",
    });
    // Microsoft's SDKs call a hub elsewhere by its port, too; Azure's own never have one.
    expect(parseConfig("agent.yaml", azure("azure-iot-hub://localhost:18883")).cloud).toMatchObject({
      port: 18_883,
      name: "localhost:18883",
    });
    expect(parseConfig("agent.yaml", azure("azure-iot-hub://h.azure-devices.net:443")).cloud).toMatchObject({
      port: 443,
      name: "h.azure-devices.net",
    });
    const dps = azure(
      "azure-dps://global.azure-devices-provisioning.net/0ne000AB",
      "access-key-file: k\naccess-key-of: group\n",
    );
    expect(parseConfig("agent.yaml", dps)).toMatchObject({ cloud: { scope: "0ne000AB" }, "access-key-of": "group" });
    const certificate = "certificate-file: a.pem\nprivate-key-file: a.key\n";
    expect(parseConfig("agent.yaml", azure("azure-iot-hub://h", certificate)).cloud).toMatchObject({ host: "h" });

    expect(problemsOf(azure("azure-iot-hub://h", ""))).toContain(
      'agent.yaml:5:1 "cloud": Azure asks who this station is',
    );
    expect(problemsOf(azure("azure-iot-hub://h/x"))).toContain("azure-iot-hub://my-hub.azure-devices.net");
    expect(problemsOf(azure("azure-dps://h"))).toContain("/0ne000ID_SCOPE");
    expect(problemsOf(azure("azure-iot-hub://h", `access-key-file: k\n${certificate}`))).toContain("not both");
    expect(problemsOf(azure("azure-iot-hub://h", "access-key-file: k\naccess-key-of: group\n"))).toContain("azure-dps");
    expect(problemsOf(azure("azure-iot-hub://h", "access-key-file: k\npassword-file: p\n"))).toContain(
      'agent.yaml:7:1 "password-file": Azure takes access-key-file',
    );
    expect(problemsOf(`${GOOD}access-key-file: k\n`)).toContain("MQTT takes password-file");
    expect(problemsOf(azure("azure-iot-hub://h", "access-key-file: k\ntoken-life: 1s\n"))).toContain("token-life");
  });
  it("takes AWS fleet provisioning whole, and says which of its lines is missing", () => {
    const cloud = "aws-iot-core://abc-ats.iot.eu-central-1.amazonaws.com";
    const aws = (rest: string): string => `${GOOD.replace(/^cloud: .*$/m, `cloud: ${cloud}`)}${rest}`;
    const files = "claim-certificate-file: c.pem\nclaim-private-key-file: c.key\n";
    expect(parseConfig("agent.yaml", aws(`${files}provisioning-template: pumps\n`))).toMatchObject({
      "provisioning-template": "pumps",
      "provisioning-parameters": { ThingName: "{station}", SerialNumber: "{serial}" },
    });
    const own = 'provisioning-template: pumps\nprovisioning-parameters: { Name: "x-{station}" }\n';
    expect(parseConfig("agent.yaml", aws(`${files}${own}`))).toMatchObject({
      "provisioning-parameters": { Name: "x-{station}" },
    });
    expect(problemsOf(aws(""))).toContain("claim-certificate-file, claim-private-key-file and provisioning-template");
    expect(problemsOf(aws(files))).toContain("provisioning-template is missing");
    expect(problemsOf(aws(`${files}provisioning-template: a b\n`))).toContain("letters, digits");
    const both = `${files}provisioning-template: pumps\ncertificate-file: a.pem\nprivate-key-file: a.key\n`;
    expect(problemsOf(aws(both))).toContain("has a certificate-file already");
    expect(problemsOf(`${GOOD}${files}provisioning-template: pumps\n`)).toContain("only AWS IoT Core");
  });
  it.each(["", "[]", "a: [", "format: 2", "- 1", "\t", "a: &x [*x]"])("answers %j with words", (text) => {
    expect(problemsOf(text)).toMatch(/^agent\.yaml:\d+:\d+ /);
  });
});
