/** The broker by itself: raw packets in and out. */

import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import fc from "fast-check";
import type { IConnectPacket, Packet } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { createAwsCloud } from "./aws-cloud.ts";
import { unitsOf } from "./metering.ts";

const THING = "gw1";

function start() {
  const time = createSimulatedTime();
  const aws = createAwsCloud({ ...time, chance: { fraction: () => 0.5, bytes: (count) => new Uint8Array(count) } });
  const enter = (said: Partial<IConnectPacket> = {}, thing: string | null = THING) => {
    const received: Packet[] = [];
    let isOpen = true;
    const close = () => {
      isOpen = false;
    };
    const receiver = aws.accept(
      { send: (packet) => void received.push(packet), cut: close, close },
      thing ?? undefined,
    );
    const send = (packet: Packet) => receiver.onPacket(packet);
    send({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: 4,
      clean: true,
      clientId: THING,
      keepalive: 60,
      ...said,
    });
    const subscribe = (...topics: string[]) =>
      send({ cmd: "subscribe", messageId: 9, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) });
    const publish = (topic: string, more: object = {}) =>
      send({ cmd: "publish", topic, payload: "x", qos: 1, dup: false, retain: false, messageId: 1, ...more });
    const commands = () => received.map(({ cmd }) => cmd);
    return { receiver, received, send, subscribe, publish, commands, isOpen: () => isOpen };
  };
  const reasons = () => aws.events.since(0).flatMap((event) => ("reason" in event ? [event.reason] : []));
  return { ...time, aws, enter, reasons };
}

const own = (rest: string) => `ps/1/${THING}/${rest}`;

describe("the broker lets in", () => {
  it.each([
    ["MQTT 5", { protocolVersion: 5 as const }, THING, 1],
    ["a client id of 129 bytes", { clientId: "x".repeat(129) }, THING, 2],
    ["nobody without a certificate that is known", {}, null, 5],
    ["no other client id than the thing's", { clientId: "gw2" }, THING, 5],
  ])("not %s", (_, said, thing, returnCode) => {
    const { received, isOpen } = start().enter(said, thing);
    expect(received).toEqual([{ cmd: "connack", returnCode, sessionPresent: false }]);
    expect(isOpen()).toBe(false);
  });

  it("one connection per client id: the older one is cut, and its will sent", () => {
    const { enter, aws } = start();
    const first = enter({ will: { topic: own("alive"), payload: Buffer.from("gone"), qos: 1, retain: true } });
    const second = enter();
    expect([first.isOpen(), second.isOpen()]).toEqual([false, true]);
    second.subscribe(own("alive"));
    expect(second.received.at(-1)).toMatchObject({ cmd: "publish", topic: own("alive"), retain: true });
    expect(aws.connected).toEqual([THING]);
  });

  it("no first packet but CONNECT", () => {
    const { aws } = start();
    let isOpen = true;
    const receiver = aws.accept(
      { send: () => undefined, cut: () => undefined, close: () => void (isOpen = false) },
      THING,
    );
    receiver.onPacket({ cmd: "pingreq" });
    expect(isOpen).toBe(false);
  });
});

describe("the broker closes without a word", () => {
  it.each([
    ["a topic of another thing", "ps/1/gw2/normal/x", {}],
    ["a topic of 257 bytes", own(`normal/${"x".repeat(257 - own("normal/").length)}`), {}],
    ["eight slashes", own("a/b/c/d/e/f"), {}],
    ["a message beyond 128 KB", own("normal/x"), { payload: Buffer.alloc(128 * 1024 + 1) }],
    ["QoS 2", own("normal/x"), { qos: 2 }],
  ])("for %s", (_, topic, more) => {
    const { publish, isOpen, commands } = start().enter();
    publish(topic, more);
    expect(isOpen()).toBe(false);
    expect(commands()).toEqual(["connack"]);
  });

  it("after one and a half keep-alives of silence, of at least 30 s and at most 1200 s", async () => {
    for (const [asked, kept] of [
      [1, 30],
      [60, 60],
      [60_000, 1_200],
      [0, 1_200],
    ] as const) {
      const { enter, advance } = start();
      const { isOpen } = enter({ keepalive: asked });
      await advance(kept * 1_500 - 1);
      expect(isOpen()).toBe(true);
      await advance(1);
      expect(isOpen()).toBe(false);
    }
  });

  it("not while pings come", async () => {
    const { enter, advance } = start();
    const { send, isOpen, commands } = enter({ keepalive: 30 });
    for (let n = 0; n < 5; n++) {
      await advance(40_000);
      send({ cmd: "pingreq" });
    }
    expect(isOpen()).toBe(true);
    expect(commands().filter((cmd) => cmd === "pingresp")).toHaveLength(5);
  });

  it("for nine filters in one SUBSCRIBE; the fifty-first subscription and others' topics are refused", () => {
    const { enter } = start();
    const many = enter();
    many.subscribe(...Array.from({ length: 9 }, (_, n) => own(`t${n}`)));
    expect(many.isOpen()).toBe(false);
    const patient = enter();
    for (let n = 0; n < 51; n++) patient.subscribe(own(`t${n}`));
    patient.subscribe("ps/1/+/normal/x");
    const granted = patient.received.flatMap((packet) => (packet.cmd === "suback" ? packet.granted : []));
    expect(granted).toEqual([...Array.from({ length: 50 }, () => 1), 128, 128]);
  });
});

describe("messages", () => {
  it("beyond 100 in a second aren't acknowledged, those of the next second are", async () => {
    const { enter, advance } = start();
    const { publish, commands } = enter();
    await advance(5_000);
    for (let n = 0; n < 120; n++) publish(own("normal/x"));
    expect(commands().filter((cmd) => cmd === "puback")).toHaveLength(100);
    await advance(1_000);
    publish(own("normal/x"));
    expect(commands().filter((cmd) => cmd === "puback")).toHaveLength(101);
  });

  it("wait in a persistent session while the client is away, come again at ten a second, and end with it", async () => {
    const { enter, aws, advance } = start();
    const first = enter({ clean: false });
    first.subscribe(own("ledger"));
    first.send({ cmd: "disconnect" });
    for (let n = 0; n < 20; n++) aws.publish(own("ledger"), Uint8Array.of(n));
    const second = enter({ clean: false });
    expect(second.received[0]).toMatchObject({ cmd: "connack", sessionPresent: true });
    await advance(950);
    expect(second.commands().filter((cmd) => cmd === "publish")).toHaveLength(10);
    await advance(2_000);
    expect(second.commands().filter((cmd) => cmd === "publish")).toHaveLength(20);
    aws.forgetSession(THING);
    expect(enter({ clean: false }).received[0]).toMatchObject({ sessionPresent: false });
  });

  it("to a client that acknowledges nothing are at most 100 in flight", () => {
    const { enter, aws } = start();
    const { subscribe, commands, send } = enter();
    subscribe(own("ledger"));
    for (let n = 0; n < 150; n++) aws.publish(own("ledger"), new Uint8Array());
    expect(commands().filter((cmd) => cmd === "publish")).toHaveLength(100);
    send({ cmd: "puback", messageId: 1 });
    expect(commands().filter((cmd) => cmd === "publish")).toHaveLength(101);
  });

  it("are metered by 5 KB of topic and payload, with the client's acknowledgements and its subscriptions", () => {
    expect([unitsOf("t", new Uint8Array(5_119)), unitsOf("t", new Uint8Array(5_120))]).toEqual([1, 2]);
    const { enter, aws } = start();
    const { subscribe, publish, send } = enter();
    subscribe(own("ledger"));
    publish(own("normal/x"));
    send({ cmd: "pingreq" });
    expect(aws.meter.messages).toBe(3);
    aws.publish(own("ledger"), new Uint8Array());
    send({ cmd: "puback", messageId: 1 });
    expect(aws.meter.messages).toBe(5);
  });

  it("eleven shadow requests at once are one too many", async () => {
    const { enter, aws, advance } = start();
    const { subscribe, publish, received } = enter();
    subscribe(`$aws/things/${THING}/shadow/get/rejected`, `$aws/things/${THING}/shadow/update/rejected`);
    aws.faults.delayMs = 500;
    for (let n = 0; n < 11; n++) publish(`$aws/things/${THING}/shadow/get`, { payload: `{"clientToken":"${n}"}` });
    await advance(1_000);
    const codes = received.flatMap((packet) =>
      packet.cmd === "publish" ? [(JSON.parse(String(packet.payload)) as { code: number }).code] : [],
    );
    expect(codes).toEqual([...Array.from({ length: 10 }, () => 404), 429]);
  });
});

describe("whatever packets come", () => {
  const topic = fc.constantFrom(
    own("normal/x"),
    `$aws/things/${THING}/shadow/update`,
    `$aws/things/${THING}/shadow/get`,
    "a",
    own("#"),
  );
  const payload = fc
    .oneof(fc.json(), fc.constantFrom("", '{"state":{"desired":{"a":1}}}', '{"state":null}'))
    .map((text) => Buffer.from(text));
  const packet = fc.oneof(
    fc.record({
      cmd: fc.constant("publish" as const),
      topic,
      payload,
      qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
      dup: fc.boolean(),
      retain: fc.boolean(),
      messageId: fc.nat(9),
    }),
    fc.record({
      cmd: fc.constant("subscribe" as const),
      messageId: fc.nat(9),
      subscriptions: fc.array(fc.record({ topic, qos: fc.constantFrom(0 as const, 1 as const) }), { maxLength: 9 }),
    }),
    fc.record({
      cmd: fc.constant("unsubscribe" as const),
      messageId: fc.nat(9),
      unsubscriptions: fc.array(topic, { maxLength: 3 }),
    }),
    fc.record({ cmd: fc.constant("puback" as const), messageId: fc.nat(9) }),
    fc.constantFrom<Packet>(
      { cmd: "pingreq" },
      { cmd: "disconnect" },
      { cmd: "pubrel", messageId: 1 },
      { cmd: "connack", sessionPresent: false, returnCode: 0 },
    ),
  ) as fc.Arbitrary<Packet>;

  it("the cloud stands: another connection is let in and works", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { maxLength: 12 }), async (packets) => {
        const { enter } = start();
        const { send } = enter();
        for (const each of packets) send(each);
        await Promise.resolve();
        const { publish, commands } = enter();
        publish(own("normal/x"), { messageId: 77 });
        expect(commands()).toContain("puback");
      }),
      { numRuns: 1_000 },
    );
  });
});
