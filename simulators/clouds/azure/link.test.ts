/** Bytes as they come: in any pieces, and from anybody. */
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import fc from "fast-check";
import { generate, type Packet, parser } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { createAzureHub } from "./hub.ts";
import { acceptBytes } from "./link.ts";
import { makeSas } from "./sas.ts";
import { connectPacket, countingChance, HUB } from "./testing/raw-device.ts";

function makeHub() {
  const time = createSimulatedTime();
  const hub = createAzureHub(
    { clock: time.clock, timers: time.timers, chance: countingChance() },
    { hostNames: [HUB] },
  );
  const { auth } = hub.addDevice("gw1");
  const key = auth.type === "sas" ? auth.primaryKey : "";
  const endS = Math.floor(time.clock.wallMs() / 1_000) + 3_600;
  const password = Buffer.from(makeSas({ resource: `${HUB}/devices/gw1`, key, endS }));
  return { hub, connect: generate({ ...connectPacket("gw1"), password }) };
}

function openLink({ hub, connect } = makeHub()) {
  const written: Packet[] = [];
  const reading = parser();
  reading.on("packet", (packet) => void written.push(packet));
  let ended: "fin" | "reset" | undefined;
  const receiver = acceptBytes(
    hub,
    {
      write: (bytes) => void reading.parse(Buffer.from(bytes)),
      end: () => (ended = "fin"),
      reset: () => (ended = "reset"),
    },
    [],
  );
  return { hub, receiver, written, connect, ended: () => ended };
}

const telemetry = generate({
  cmd: "publish",
  topic: "devices/gw1/messages/events/a=b",
  payload: Buffer.from("hello"),
  qos: 1,
  messageId: 3,
  dup: false,
  retain: false,
});

describe("bytes", () => {
  it("mean the same in whatever pieces they come", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 }), (sizes) => {
        const { hub, receiver, written, connect } = openLink();
        let rest = Buffer.concat([connect, telemetry]);
        for (const size of sizes) {
          receiver.onBytes(rest.subarray(0, size));
          rest = rest.subarray(size);
        }
        receiver.onBytes(rest);
        expect(written.map(({ cmd }) => cmd)).toEqual(["connack", "puback"]);
        expect(hub.events.since(0).at(-1)).toMatchObject({ kind: "telemetry", properties: { a: "b" } });
      }),
      { numRuns: 200 },
    );
  });

  it("that are no MQTT end the connection, and nothing else happens", () => {
    // One hub for all: what one connection says must not harm the next.
    const one = makeHub();
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (isConnected, chunks) => {
        const { hub, receiver, connect } = openLink(one);
        if (isConnected) receiver.onBytes(connect);
        for (const chunk of chunks) receiver.onBytes(chunk);
        receiver.onClosed();
        expect(hub.connection("gw1")).toBeUndefined();
        expect(hub.twin("gw1").reported.version).toBe(1);
      }),
      { numRuns: 2_000 },
    );
  });

  it("with one bit wrong never stop the hub", () => {
    const one = makeHub();
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const { hub, receiver, connect } = openLink(one);
        const bytes = Buffer.concat([connect, telemetry, telemetry]);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
        receiver.onBytes(bytes);
        receiver.onClosed();
        expect(hub.connection("gw1")).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it("of a packet that says it is huge are refused before they are collected", () => {
    const { receiver, ended, hub } = openLink();
    receiver.onBytes(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]));
    expect(ended()).toBe("fin");
    receiver.onBytes(Buffer.alloc(1_000));
    expect(hub.events.since(0)).toEqual([]);
  });

  it("half of an answer and then nothing: what a cut in the middle looks like", () => {
    const { hub, receiver, written, connect, ended } = openLink();
    receiver.onBytes(connect);
    hub.faults.add({ on: "telemetry", do: "cut", when: "middle" });
    receiver.onBytes(telemetry);
    expect(written.map(({ cmd }) => cmd)).toEqual(["connack"]);
    expect(ended()).toBe("reset");
    expect(hub.events.since(0).filter(({ kind }) => kind === "telemetry")).toHaveLength(1);
  });
});
