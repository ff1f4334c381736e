/** The whole command on real ports: what it prints is all that an SDK needs. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createClock } from "@pump-station/agent/linux/clock.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import { loadServerCertificate } from "@pump-station/cloud-bridge/host/certificates.ts";
import { createFiles } from "@pump-station/cloud-bridge/host/files.ts";
import iotDevice from "azure-iot-device";
import mqttTransport from "azure-iot-device-mqtt";
import provisioning, { type RegistrationResult } from "azure-iot-provisioning-device";
import provisioningMqtt from "azure-iot-provisioning-device-mqtt";
import symmetricKey from "azure-iot-security-symmetric-key";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deriveDeviceKey } from "../clouds/azure/sas.ts";
import { serveService } from "../host/service-server.ts";
import { serveTls } from "../host/tls-endpoint.ts";
import { runAzureCloud } from "./azure-cloud.ts";

const clock = createClock({ trustClock: "always" });
const files = createFiles();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "azure-cloud-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function running(use: (said: string) => Promise<void>): Promise<string> {
  const stopping = new AbortController();
  const lines: string[] = [];
  let isReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const run = runAzureCloud(
    {
      clock,
      timers: createTimers(),
      chance: createChance(),
      files,
      loadServer: (where, hosts) => loadServerCertificate({ files, nowMs: clock.wallMs() }, where, hosts),
      serveTls,
      serveService,
      say: (line) => {
        lines.push(line);
        if (line.includes("Ctrl-C")) isReady();
      },
    },
    {
      devices: ["gw1"],
      folder,
      listen: "127.0.0.1",
      hostName: "localhost",
      mqttPort: 0,
      httpPort: 0,
      tier: "S1",
      units: 1,
      authorities: [],
    },
    stopping.signal,
  );
  await Promise.race([ready, run]);
  await use(lines.join("\n")).finally(() => stopping.abort());
  await run;
  return lines.join("\n");
}

/** The same port as the hub's. The transport has no public option for an authority. */
function provision(place: string, scope: string, key: string, ca: string): Promise<RegistrationResult | undefined> {
  const transport = new provisioningMqtt.Mqtt();
  const base = (transport as unknown as { _mqttBase: { setOptions(options: object): void } })._mqttBase;
  base.setOptions({ ca: readFileSync(ca, "utf8") });
  // Two copies of azure-iot-common, whose private parts TypeScript takes for different.
  const security = new symmetricKey.SymmetricKeySecurityClient("gw9", key) as unknown as Parameters<
    typeof provisioning.ProvisioningDeviceClient.create
  >[3];
  const client = provisioning.ProvisioningDeviceClient.create(place, scope, transport, security);
  return client.register() as Promise<RegistrationResult | undefined>;
}

describe("pump-station-cloud azure", () => {
  it("prints a connection string with which Microsoft's SDK connects, and the same key at the next start", async () => {
    const first = await running(async (said) => {
      const text = /HostName=\S+/.exec(said)?.[0] ?? "";
      const ca = /^trust\s+(\S+)/m.exec(said)?.[1] ?? "";
      const client = iotDevice.Client.fromConnectionString(text, mqttTransport.Mqtt);
      await client.setOptions({ ca });
      await client.sendEvent(new iotDevice.Message("hello"));
      await client.close();
      const [, place = "", scope = ""] = /DPS\s+(\S+), id scope (\w+);/.exec(said) ?? [];
      const groupKey = readFileSync(join(folder, "group-key"), "utf8").trim();
      expect(await provision(place, scope, deriveDeviceKey(groupKey, "gw9"), ca)).toMatchObject({
        assignedHub: place,
        deviceId: "gw9",
      });
      const http = /http:\/\/localhost:\d+/.exec(said)?.[0] ?? "";
      const events = (await (await fetch(`${http}/local/events?kind=telemetry`)).json()) as {
        events: { text: string }[];
      };
      expect(events.events).toMatchObject([{ device: "gw1", text: "hello" }]);
      expect(await (await fetch(http)).text()).toContain("<title>Local IoT Hub</title>");
      const stranger = await fetch(`${http}/devices`, { headers: { origin: "http://elsewhere.example" } });
      expect(stranger.status).toBe(403);
    });
    expect(statSync(join(folder, "group-key")).mode & 0o777).toBe(0o600);
    const keyOf = (said: string) => /SharedAccessKey=\S+/.exec(said)?.[0];
    expect(keyOf(await running(() => Promise.resolve()))).toBe(keyOf(first));
  });
});
