/** The agent's AWS IoT Core dialect, and AWS's own device SDK unmodified, against the local cloud over real TLS. */
import { createAwsIotCoreCloud } from "@pump-station/agent/cloud/aws-iot-core/aws-iot-core.ts";
import { describeCloud } from "@pump-station/agent/cloud/cloud.conformance.ts";
import { createMqttClients } from "@pump-station/agent/linux/connections/mqtt.ts";
import { Secret } from "@pump-station/agent/world.ts";
import awsIot from "aws-iot-device-sdk";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createAwsFarSide } from "./testing/far-side.ts";
import { startTlsCloud } from "./testing/tls-cloud.ts";

const STATION = "demo-lake";
const never = new AbortController().signal;
type TlsCloud = Awaited<ReturnType<typeof startTlsCloud>>;

const dialectOn = (local: TlsCloud, { certificate, key } = local.client) =>
  createAwsIotCoreCloud(
    {
      ...local,
      clients: createMqttClients(),
      log: () => undefined,
      credentials: () => ({ ca: local.ca, certificate, privateKey: new Secret(key) }),
    },
    { host: "localhost", port: local.port, station: STATION, connectTimeoutMs: 5_000 },
  );

describeCloud("AWS IoT Core over TLS", async () => {
  const local = await startTlsCloud(STATION);
  return {
    cloud: dialectOn(local),
    far: createAwsFarSide(local.aws, STATION),
    cut: () => local.aws.cut(STATION),
    shut: local.close,
    dispose: local.close,
  };
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(): Promise<TlsCloud> {
  const local = await startTlsCloud(STATION);
  closing.push(local.close);
  return local;
}

describe("client certificates", () => {
  it("of another thing, or of one that was made inactive, don't let the station in: reprovision", async () => {
    const local = await start();
    local.things.register("other-lake");
    const other = dialectOn(local, await local.issue("other-lake"));
    await expect(other.connect(never)).rejects.toMatchObject({ name: "CloudError", next: "reprovision" });
    local.things.deactivate(STATION);
    await expect(dialectOn(local).connect(never)).rejects.toMatchObject({ name: "CloudError", next: "reprovision" });
  });

  it("a message that is cut in the middle of its bytes ends the link and isn't handed on", async () => {
    const local = await start();
    const connection = await dialectOn(local).connect(never);
    const ledgers: Uint8Array[] = [];
    const reasons: string[] = [];
    connection.onLedger((bytes) => ledgers.push(bytes));
    connection.onClosed((reason) => reasons.push(reason));
    local.aws.faults.cutMidMessage = 1;
    local.aws.publish(`ps/1/${STATION}/ledger`, new Uint8Array(3_000));
    await vi.waitFor(() => expect(reasons).toHaveLength(1));
    expect(ledgers).toEqual([]);
  });
});

describe("aws-iot-device-sdk, unmodified", () => {
  const connect = async (local: TlsCloud) => {
    const shadows = new awsIot.thingShadow({
      clientCert: Buffer.from(local.client.certificate),
      privateKey: Buffer.from(local.client.key),
      caCert: Buffer.from(local.ca),
      clientId: STATION,
      host: "localhost",
      port: local.port,
    });
    closing.push(() => new Promise<void>((resolve) => shadows.end(true, () => resolve())));
    const heard: [string, string, unknown][] = [];
    shadows.on("status", (_thing, status, token, state) => heard.push([status, token, state]));
    shadows.on("delta", (_thing, state) => heard.push(["delta", "", state]));
    shadows.on("error", () => undefined);
    await new Promise<void>((resolve) => shadows.on("connect", resolve));
    await new Promise<void>((resolve) => shadows.register(STATION, {}, () => resolve()));
    const operation = async (token: string | null) => {
      expect(token).not.toBeNull();
      await vi.waitFor(() => expect(heard.some(([, of]) => of === token)).toBe(true));
      return heard.find(([, of]) => of === token);
    };
    return { shadows, heard, operation };
  };

  it("updates, gets, hears deltas, is told conflicts and what isn't there, and deletes", async () => {
    const local = await start();
    const id = { thing: STATION };
    const { shadows, heard, operation } = await connect(local);
    expect(await operation(shadows.get(STATION))).toMatchObject(["rejected", expect.anything(), { code: 404 }]);
    const first = await operation(shadows.update(STATION, { state: { reported: { pump: { target: 900 } } } }));
    expect(first).toMatchObject(["accepted", expect.anything(), { version: 1 }]);
    local.aws.setDesired(id, { pump: { target: 700 } });
    await vi.waitFor(() =>
      expect(heard.at(-1)).toMatchObject(["delta", "", { version: 2, state: { pump: { target: 700 } } }]),
    );
    const got = await operation(shadows.get(STATION));
    expect(got?.[2]).toMatchObject({ state: { desired: { pump: { target: 700 } }, delta: { pump: { target: 700 } } } });
    // The SDK sends the version that it knows; this one it doesn't.
    local.aws.setDesired(id, { pump: { target: 600 } }, { through: "unheard" });
    const conflict = await operation(shadows.update(STATION, { state: { reported: { a: 1 } } }));
    expect(conflict).toMatchObject(["rejected", expect.anything(), { code: 409, message: "Version conflict" }]);
    expect(await operation(shadows.delete(STATION))).toMatchObject(["accepted", expect.anything(), { version: 3 }]);
    expect(local.aws.shadow(id)).toBeUndefined();
  });

  it("publishes and subscribes on the thing's own topics, and is thrown out of others", async () => {
    const local = await start();
    const { shadows } = await connect(local);
    const messages: string[] = [];
    shadows.on("message", (topic, payload) => messages.push(`${topic} ${String(payload)}`));
    await new Promise<void>((resolve) => shadows.subscribe(`ps/1/${STATION}/ledger`, { qos: 1 }, () => resolve()));
    local.aws.publish(`ps/1/${STATION}/ledger`, Buffer.from("down"));
    await vi.waitFor(() => expect(messages).toEqual([`ps/1/${STATION}/ledger down`]));
    await new Promise<void>((resolve) =>
      shadows.publish(`ps/1/${STATION}/normal/x`, "up", { qos: 1 }, () => resolve()),
    );
    expect(local.aws.events.since(0).at(-1)).toMatchObject({ kind: "message", topic: `ps/1/${STATION}/normal/x` });
    const offline = new Promise<void>((resolve) => shadows.on("close", resolve));
    shadows.publish("ps/1/other-lake/normal/x", "up", { qos: 0 });
    await offline;
  });
});
