/** The whole command without ports: what it prints, and which certificates it lets in, also after the next start. */
import { X509Certificate } from "node:crypto";
import { createMemoryFiles } from "@pump-station/agent/testing/memory-files.ts";
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { loadServerCertificate } from "@pump-station/cloud-bridge/host/certificates.ts";
import type { Packet } from "mqtt-packet";
import { expect, it } from "vitest";
import type { ServiceApi } from "../clouds/aws/service-api.ts";
import type { PacketReceiver, PacketServer } from "../clouds/azure/link.ts";
import { issueClientCertificate, issueForRequest } from "../host/thing-certificates.ts";
import { runAwsCloud } from "./aws-cloud.ts";

const FOLDER = "/cloud";

async function start(files = createMemoryFiles()) {
  const time = createSimulatedTime({ wallMs: Date.now() });
  const deps = { files, nowMs: time.clock.wallMs() };
  const stopping = new AbortController();
  const said: string[] = [];
  let [server, api, isReady] = [undefined as PacketServer | undefined, undefined as ServiceApi | undefined, false];
  const closing = { close: () => Promise.resolve() };
  const running = runAwsCloud(
    {
      ...{ ...time, files },
      chance: { fraction: () => 0.5, bytes: (count) => new Uint8Array(count).fill(5) },
      loadServer: (folder) => loadServerCertificate(deps, folder, ["localhost"]),
      issueClient: (folder, thing) => issueClientCertificate(deps, folder, thing),
      issueForRequest: (folder, csr) => issueForRequest(deps, folder, csr),
      serveTls: (given) => {
        server = given;
        return Promise.resolve({ port: 8884, ...closing });
      },
      serveJson: (given) => {
        api = given;
        return Promise.resolve({ port: 8085, ...closing });
      },
      say: (line) => {
        said.push(line);
        isReady ||= line.includes("provisioning-template");
      },
    },
    { things: ["gw1"], hasClaim: true, folder: FOLDER, mqttPort: 8884, httpPort: 8085 },
    stopping.signal,
  );
  while (!isReady) await Promise.race([running, new Promise(setImmediate)]);
  const ask = async (method: string, url: string) => (await api?.({ method, url, body: "" }))?.json;
  /** As whoever has that certificate; what the broker sends, and whether it has hung up. */
  const connect = (name: string) => {
    const raw = new X509Certificate(new TextDecoder().decode(files.read(`${FOLDER}/${name}.pem`))).raw;
    const heard: (Packet | "cut")[] = [];
    const end = () => {
      heard.push("cut");
      receiver?.onClosed();
    };
    const receiver: PacketReceiver | undefined = server?.accept(
      { send: (packet) => heard.push(packet), cut: end, close: end },
      [raw],
    );
    receiver?.onPacket({
      ...{ cmd: "connect", clientId: name, protocolId: "MQTT", protocolVersion: 4, keepalive: 60, clean: true },
    });
    return heard;
  };
  const stop = async () => {
    stopping.abort();
    await running;
  };
  return { files, said, ask, connect, stop };
}

it("a certificate that is deactivated ends its connection, isn't let in again, and stays so after the next start", async () => {
  const first = await start();
  expect(first.said.join("\n")).toContain("private-key-file: /cloud/gw1-key.pem");
  const { principals } = (await first.ask("GET", "/things/gw1/principals")) as { principals: string[] };
  expect(principals).toHaveLength(1);
  const id = principals[0]?.split("/").at(-1) ?? "";
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  const heard = first.connect("gw1");
  expect(heard).toMatchObject([{ cmd: "connack", returnCode: 0 }]);
  await first.ask("PUT", `/certificates/${id}?newStatus=INACTIVE`);
  expect(heard.at(-1)).toBe("cut");
  expect(first.connect("gw1")).toMatchObject([{ cmd: "connack", returnCode: 5 }, "cut"]);
  await first.stop();

  const second = await start(first.files);
  expect(second.connect("gw1")).toMatchObject([{ returnCode: 5 }, "cut"]);
  await second.ask("PUT", `/certificates/${id}?newStatus=ACTIVE`);
  expect(second.connect("gw1")).toMatchObject([{ returnCode: 0 }]);
  expect(second.connect("claim")).toMatchObject([{ returnCode: 0 }]);
  await second.stop();
});
