/** The unmodified packages of Microsoft against the local hub, over TLS. */
import iotDevice, { type Client as ClientType, type Twin } from "azure-iot-device";
import mqttTransport from "azure-iot-device-mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HubEvent } from "./events.ts";
import { startTlsHub, type TlsHub } from "./testing/tls-hub.ts";

const { Client, Message } = iotDevice;
const { Mqtt } = mqttTransport;

let tls: TlsHub;
const clients: ClientType[] = [];
beforeEach(async () => {
  tls = await startTlsHub();
  tls.hub.addDevice("gw1");
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close().catch(() => undefined);
  await tls.close();
});

async function clientOf(form: "gateway" | "plain" = "gateway"): Promise<ClientType> {
  const client = Client.fromConnectionString(tls.connectionString("gw1", form), Mqtt);
  await client.setOptions({ ca: tls.ca });
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

const eventsOf = <K extends HubEvent["kind"]>(kind: K): Extract<HubEvent, { kind: K }>[] =>
  tls.hub.events.since(0).filter((event): event is Extract<HubEvent, { kind: K }> => event.kind === kind);

describe("Microsoft's device SDK", () => {
  it.each(["gateway", "plain"] as const)("sends telemetry with properties over a %s address", async (form) => {
    const client = await clientOf(form);
    const message = new Message(Buffer.from([1, 2, 255]));
    message.messageId = "m 1";
    message.contentEncoding = "utf-8";
    message.properties.add("lane", "urgent");
    message.properties.add("a b", "ü&=");
    await client.sendEvent(message);
    const [event] = eventsOf("telemetry");
    expect([...(event?.payload ?? [])]).toEqual([1, 2, 255]);
    expect(event?.properties).toEqual({ lane: "urgent", "a b": "ü&=" });
    expect(event?.system).toMatchObject({
      "message-id": "m 1",
      "content-encoding": "utf-8",
      "iothub-connection-device-id": "gw1",
    });
  });

  it("gets the twin, reports, and is told of a desired change with its version", async () => {
    const client = await clientOf();
    await client.open();
    const twin: Twin = await client.getTwin();
    expect(twin.properties.desired.$version).toBe(1);
    const told = new Promise<{ $version: number }>((resolve) => {
      twin.on("properties.desired", (patch: { $version: number }) => {
        if (patch.$version > 1) resolve(patch);
      });
    });
    await new Promise<void>((resolve, reject) =>
      reportedOf(twin).update({ pump: { target: 900 } }, (error) => (error ? reject(error) : resolve())),
    );
    await untilSubscribed("desired");
    tls.hub.setDesired("gw1", { every: 60 });
    expect(await told).toEqual({ every: 60, $version: 2 });
    expect(tls.hub.twin("gw1").reported).toMatchObject({ properties: { pump: { target: 900 } }, version: 2 });
  });

  it("answers a method", async () => {
    const client = await clientOf();
    client.onDeviceMethod("pump*prime", (request, response) => {
      void response.send(200, { text: "primed", by: (request.payload as { by: string }).by });
    });
    await client.open();
    await untilSubscribed("methods");
    const answer = await tls.hub.invokeMethod("gw1", { name: "pump*prime", payload: { by: "anna" } });
    expect(answer).toEqual({ status: 200, payload: { text: "primed", by: "anna" } });
  });

  it("gets a message from the cloud that was sent while it was away", async () => {
    tls.hub.sendToDevice("gw1", { payload: Buffer.from("hello"), properties: { kind: "ledger" } });
    const client = await clientOf();
    const got = new Promise<InstanceType<typeof Message>>((resolve) => client.on("message", resolve));
    await client.open();
    const message = await got;
    expect(Buffer.from(message.getData() as Uint8Array).toString()).toBe("hello");
    expect(message.properties.getValue("kind")).toBe("ledger");
  });

  it("is refused with a wrong key, and the hub says why", async () => {
    const client = Client.fromConnectionString(
      tls
        .connectionString("gw1")
        .replace(/SharedAccessKey=[^;]+/, `SharedAccessKey=${Buffer.alloc(32).toString("base64")}`),
      Mqtt,
    );
    await client.setOptions({ ca: tls.ca });
    await expect(client.open()).rejects.toThrow();
    const [refused] = eventsOf("refused");
    expect(refused).toMatchObject({ device: "gw1", code: 5 });
    expect(refused?.reason).toContain("not made with gw1's key");
  });
});

/** The package types properties as any. */
const reportedOf = (twin: Twin) =>
  (twin.properties as unknown as { reported: { update(patch: object, done: (error: Error | null) => void): void } })
    .reported;

function untilSubscribed(feed: string): Promise<void> {
  const has = () => eventsOf("subscribed").some(({ feeds }) => feeds.includes(feed));
  return new Promise((resolve) => {
    if (has()) return resolve();
    const stop = tls.hub.events.onEvent(() => {
      if (!has()) return;
      stop();
      resolve();
    });
  });
}
