/** The service's side over HTTP, without the network. */
import { beforeEach, describe, expect, it } from "vitest";
import { createDps } from "../dps.ts";
import { countingChance, createRawHub, type RawDevice, type RawHub } from "../testing/raw-device.ts";
import { createServiceApi } from "./api.ts";

let raw: RawHub;
let ask: (
  method: string,
  url: string,
  body?: unknown,
  ifMatch?: string,
) => Promise<{ status: number; etag?: string; json: Answer }>;
type Answer = Record<string, unknown> & { Message?: string };
beforeEach(() => {
  raw = createRawHub();
  const { clock, timers } = raw.time;
  const dps = createDps(
    { clock, timers, chance: countingChance() },
    { idScope: "0ne1", hubs: [{ hub: raw.hub, address: "localhost:1" }] },
  );
  const api = createServiceApi({ hub: raw.hub, dps });
  ask = async (method, url, body, ifMatch) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const { status, etag, body: json } = await api({ method, url, body: text, ...(ifMatch && { ifMatch }) });
    return { status, ...(etag && { etag }), json: JSON.parse(json) as Answer };
  };
});

describe("devices", () => {
  it("are made, listed, disabled and removed", async () => {
    const made = await ask("PUT", "/devices/gw%2B2", {});
    expect(made.json).toMatchObject({ deviceId: "gw+2", status: "enabled", connectionState: "Disconnected" });
    expect((await ask("GET", "/devices")).json).toHaveLength(2);
    expect((await ask("PUT", "/devices/gw1", { status: "disabled" })).json).toMatchObject({ status: "disabled" });
    expect((await raw.connect("gw1")).take()).toMatchObject([{ returnCode: 5 }]);
    await ask("DELETE", "/devices/gw%2B2");
    expect((await ask("GET", "/devices/gw%2B2")).status).toBe(404);
  });

  it("prove themselves as they are told to", async () => {
    const thumbprint = "ab".repeat(20);
    await ask("PUT", "/devices/x", {
      authentication: { type: "selfSigned", x509Thumbprint: { primaryThumbprint: thumbprint } },
    });
    expect(raw.hub.devices.get("x").auth).toEqual({ type: "self-signed", primaryThumbprint: thumbprint });
    await ask("PUT", "/devices/x", { authentication: { type: "certificateAuthority" } });
    expect(raw.hub.devices.get("x").auth).toEqual({ type: "certificate-authority" });
    const wrong = await ask("PUT", "/devices/x", {
      authentication: { type: "selfSigned", x509Thumbprint: { primaryThumbprint: "ab" } },
    });
    expect(wrong).toMatchObject({
      status: 400,
      json: { Message: expect.stringContaining("40 or 64 hex digits") as string },
    });
  });

  it("get messages", async () => {
    const sent = await ask("POST", "/devices/gw1/messages/deviceBound", {
      base64: "/wA=",
      properties: { kind: "ledger" },
    });
    expect(sent.status).toBe(201);
    const device = await raw.connect("gw1");
    await device.subscribe("devices/gw1/messages/devicebound/#");
    expect(lastPayload(device)).toEqual(Buffer.from([255, 0]));
  });
});

describe("twins", () => {
  it("are patched and replaced, with an etag for who wants to be sure", async () => {
    const first = await ask("GET", "/twins/gw1");
    const written = await ask("PATCH", "/twins/gw1", { properties: { desired: { a: 1, b: { c: 2 } } } }, first.etag);
    expect(written.json).toMatchObject({ properties: { desired: { a: 1, b: { c: 2 }, $version: 2 } } });
    expect(await ask("PATCH", "/twins/gw1", { properties: { desired: { a: 2 } } }, first.etag)).toMatchObject({
      status: 412,
    });
    const whole = (await ask("GET", "/twins/gw1")).json as { properties: object };
    // As a client does that reads, changes and writes back all that it read.
    await ask("PUT", "/twins/gw1", whole);
    expect(raw.hub.twin("gw1").desired.properties).toEqual({ a: 1, b: { c: 2 } });
    await ask("PUT", "/twins/gw1", { properties: { desired: { d: 1 } } });
    expect(raw.hub.twin("gw1").desired.properties).toEqual({ d: 1 });
  });

  it("take tags and desired properties under one etag", async () => {
    const { etag } = await ask("GET", "/twins/gw1");
    const { status } = await ask(
      "PATCH",
      "/twins/gw1",
      { tags: { site: "east" }, properties: { desired: { a: 1 } } },
      etag,
    );
    expect(status).toBe(200);
    expect(raw.hub.twin("gw1")).toMatchObject({ tags: { site: "east" }, desired: { properties: { a: 1 } } });
  });

  it("are asked for", async () => {
    raw.hub.addDevice("gw2");
    raw.hub.setDesired("gw2", { every: 60 });
    const found = await ask("POST", "/devices/query", {
      query: "SELECT * FROM devices WHERE properties.desired.every > 30",
    });
    expect(found.json).toMatchObject([{ deviceId: "gw2" }]);
    expect((await ask("POST", "/devices/query", { query: "DROP" })).status).toBe(400);
  });

  it("have methods", async () => {
    const device = await raw.connect("gw1");
    await device.subscribe("$iothub/methods/POST/#");
    const calling = ask("POST", "/twins/gw1/methods", { methodName: "m", payload: [1], responseTimeoutInSeconds: 10 });
    await raw.time.advance(1);
    expect(lastPayload(device)?.toString()).toBe("[1]");
    await device.publish("$iothub/methods/res/201/?$rid=1", '"done"', { qos: 0 });
    expect((await calling).json).toEqual({ status: 201, payload: "done" });
    expect((await ask("POST", "/twins/gw9/methods", { methodName: "m" })).status).toBe(404);
  });
});

describe("what only a local hub can do", () => {
  it("shows events since, by device and kind, payloads as text where they are text", async () => {
    const device = await raw.connect("gw1");
    await device.publish("devices/gw1/messages/events/lane=normal", "hello");
    await device.publish("devices/gw1/messages/events/lane=normal", new Uint8Array([0xff, 0]));
    const all = (await ask("GET", "/local/events?kind=telemetry&device=gw1")).json["events"] as { sequence: number }[];
    expect(all).toMatchObject([{ text: "hello", base64: "aGVsbG8=" }, { base64: "/wA=" }]);
    expect(all[1]).not.toHaveProperty("text");
    const since = await ask("GET", `/local/events?kind=telemetry&since=${all[0]?.sequence}`);
    expect(since.json["events"]).toHaveLength(1);
  });

  it("places faults, lists and removes them, and says what is wrong with one", async () => {
    const { json } = await ask("POST", "/local/faults", {
      on: "twin-get",
      do: "refuse",
      status: 429,
      body: "empty",
      times: 3,
    });
    expect((await ask("GET", "/local/faults")).json).toMatchObject([{ id: json["id"], left: 3 }]);
    expect((await ask("DELETE", `/local/faults/${Number(json["id"])}`)).status).toBe(200);
    expect((await ask("DELETE", `/local/faults/${Number(json["id"])}`)).status).toBe(404);
    expect((await ask("POST", "/local/faults", { on: "tea", do: "delay" })).json.Message).toMatch(/on: .*ms: /);
  });

  it("has knobs for the hub and for a device", async () => {
    const device = await raw.connect("gw1");
    expect((await ask("POST", "/local/devices/gw1/disconnect", { how: "reset" })).json).toEqual({ wasConnected: true });
    await raw.time.advance(1);
    expect(device.closed).toBe("reset");
    await ask("POST", "/local/devices/gw1/recreate-twin", { desired: { a: 1 } });
    expect(raw.hub.twin("gw1").desired).toMatchObject({ properties: { a: 1 }, version: 1 });
    await ask("POST", "/local/hub", { useUp: 5, rates: { connect: 0 } });
    expect((await ask("GET", "/local/usage")).json["messages"]).toBe(5);
    expect((await raw.connect("gw1")).take()).toMatchObject([{ returnCode: 3 }]);
    await ask("POST", "/local/devices/gw1/forget-session");
    await ask("POST", "/local/hub", { away: true, rates: { connect: 100 } });
    expect((await raw.connect("gw1")).closed).toBe("reset");
  });

  it("enrols devices at the provisioning service", async () => {
    const key = Buffer.alloc(32).toString("base64");
    const attestation = { type: "symmetricKey", symmetricKey: { primaryKey: key, secondaryKey: key } };
    expect((await ask("PUT", "/enrollmentGroups/fleet", { attestation })).status).toBe(200);
    expect((await ask("PUT", "/enrollmentGroups/fleet", { attestation })).status).toBe(409);
    expect(
      (await ask("PUT", "/enrollments/gw5", { attestation, desired: { a: 1 }, provisioningStatus: "disabled" })).status,
    ).toBe(200);
    expect((await ask("GET", "/enrollments")).json).toMatchObject([{ name: "gw5" }]);
    expect((await ask("DELETE", "/enrollments/gw5")).status).toBe(200);
    expect((await ask("GET", "/registrations")).json).toEqual([]);
  });

  it("knows nothing else", async () => {
    expect((await ask("GET", "/nothing")).status).toBe(404);
    expect((await ask("PATCH", "/devices")).status).toBe(405);
    expect((await ask("GET", "/devices/%E0%A4%A")).status).toBe(400);
  });
});

const lastPayload = (device: RawDevice): Buffer | undefined => {
  const packet = device.take().findLast(({ cmd }) => cmd === "publish");
  return packet?.cmd === "publish" ? Buffer.from(packet.payload) : undefined;
};
