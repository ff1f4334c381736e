import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryBridge } from "../../testing/memory-bridge.ts";
import { createMemoryBroker } from "../../testing/memory-mqtt.ts";
import { createSimulatedTime } from "../../testing/simulated-time.ts";
import { topicsOf } from "../../wire/topics.ts";
import type { Json } from "../../wire/twin-document.ts";
import { type Log, Secret } from "../../world.ts";
import { describeCloud } from "../cloud.conformance.ts";
import { commandFrom, objectFrom, PayloadError } from "../payloads.ts";
import { createMqttCloud } from "./mqtt.ts";
import { desiredFrom, reportedVersionFrom, twinFrom } from "./payloads.ts";

const STATION = "demo-lake";
const topics = topicsOf(STATION);
const never = new AbortController().signal;

function standUp(log: Log = () => undefined) {
  const { clock, timers, advance } = createSimulatedTime();
  const broker = createMemoryBroker({ timers });
  const far = createMemoryBridge(broker, STATION);
  let seed = 0;
  const chance = { fraction: () => 0.5, bytes: (count: number) => new Uint8Array(count).fill(++seed) };
  const cloud = createMqttCloud(
    { clients: broker.clients, clock, timers, chance, log, credentials: () => ({ password: new Secret("s3cret") }) },
    { url: "mqtts://broker:8883", station: STATION },
  );
  return { clock, broker, far, cloud, advance };
}

describeCloud("MQTT over a broker in memory", async () => {
  const { cloud, far, broker } = standUp();
  return {
    cloud,
    far,
    cut: () => broker.cut(STATION),
    shut: async () => {
      broker.faults.unreachable = true;
    },
    dispose: async () => undefined,
  };
});

describe("the MQTT dialect", () => {
  it("announces itself with a retained message, its will says offline", async () => {
    const { cloud, broker, clock } = standUp();
    await cloud.connect(never);
    const alive = () => JSON.parse(new TextDecoder().decode(broker.retained(topics.alive))) as unknown;
    expect(alive()).toEqual({ online: true, since: clock.wallMs() });
    broker.cut(STATION);
    expect(alive()).toEqual({ online: false });
  });

  it("gives no time of birth from a clock that nothing vouches for", async () => {
    const { cloud, broker, clock } = standUp();
    clock.trusted = false;
    await cloud.connect(never);
    expect(new TextDecoder().decode(broker.retained(topics.alive))).toBe('{"online":true}');
  });

  it("refused credentials say reprovision, and the password is in no message", async () => {
    const { cloud, broker } = standUp();
    broker.faults.mayConnect = ({ password }) => password?.reveal() === "other";
    const error: unknown = await cloud.connect(never).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: "CloudError", next: "reprovision" });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain("s3cret");
  });

  it("a publish that nobody acknowledges asks for a new connection after the deadline", async () => {
    const { cloud, broker, advance } = standUp();
    const connection = await cloud.connect(never);
    broker.faults.loseAcknowledgements = true;
    const publish = connection.publish({ lane: "normal", properties: {}, payload: Uint8Array.of(1) });
    const outcome = expect(publish).rejects.toMatchObject({ next: "reconnect" });
    await advance(30_001);
    await outcome;
  });

  it("a twin request that nobody answers says retry after its deadline: the broker lives, the bridge doesn't", async () => {
    const { cloud, far, advance } = standUp();
    const connection = await cloud.connect(never);
    far.silent = true;
    const outcome = expect(connection.getTwin()).rejects.toMatchObject({ next: "retry" });
    await advance(60_001);
    await outcome;
  });

  it("a late answer to the previous connection's request doesn't answer the new one's", async () => {
    const { cloud, far, broker, advance } = standUp();
    const asked: string[] = [];
    broker.subscribe(`${topics.root}/twin/get/+`, (topic) => asked.push(topic.split("/").at(-1) ?? ""));
    far.silent = true;
    const first = await cloud.connect(never);
    const lost = expect(first.getTwin()).rejects.toThrow();
    await advance(1);
    broker.cut(STATION);
    await lost;
    const second = await cloud.connect(never);
    const answer = second.getTwin();
    await advance(1);
    const stale = { desired: { $version: 1, old: true }, reported: { $version: 1 } };
    broker.publish(topics.twinFull(asked[0] ?? ""), JSON.stringify(stale));
    await advance(1);
    broker.publish(topics.twinFull(asked[1] ?? ""), JSON.stringify(far.twin.documents()));
    expect(await answer).toEqual(far.twin.documents());
    expect(asked).toHaveLength(2);
  });

  it("a malformed twin fails its request at once, a malformed patch is logged and skipped", async () => {
    const events: string[] = [];
    const { cloud, far, broker, advance } = standUp((_, event) => events.push(event));
    const connection = await cloud.connect(never);
    far.silent = true;
    broker.subscribe(`${topics.root}/twin/get/+`, (topic) => broker.publish(topic.replace("/get/", "/full/"), "{}"));
    await expect(connection.getTwin()).rejects.toMatchObject({ next: "retry" });
    const patches: number[] = [];
    connection.onDesired(({ $version }) => patches.push($version));
    broker.publish(topics.twinDesired, '{"$version":"7"}');
    broker.publish(topics.twinDesired, '{"$version":8}');
    await advance(1);
    expect(patches).toEqual([8]);
    expect(events).toContain("mqtt-message-malformed");
  });

  it("a command call that can't be read is answered 400, a listener that throws 500", async () => {
    const { cloud, far } = standUp();
    const connection = await cloud.connect(never);
    connection.onCommand(async () => {
      throw new Error("bug");
    });
    expect(await far.call({ id: "1", device: "", command: "stop" })).toMatchObject({ status: 400 });
    for (const id of ["100%", "%E0%A4%A", "größe 1"])
      expect(await far.call({ id, device: "pump", command: "stop" })).toMatchObject({ status: 400 });
    expect(await far.call({ id: "2", device: "pump", command: "stop" })).toMatchObject({ status: 500 });
  });

  it("a flood of commands is answered 429 beyond what is attended at once", async () => {
    const { cloud, far } = standUp();
    const connection = await cloud.connect(never);
    let finish: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      finish = resolve;
    });
    connection.onCommand(async () => {
      await first;
      return { status: 200, text: "" };
    });
    const answers = Array.from({ length: 18 }, (_, n) => far.call({ id: `${n}`, device: "pump", command: "stop" }));
    await Promise.resolve();
    setImmediate(finish);
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
  });

  it("what comes before anybody listens is kept for the listener", async () => {
    const { cloud, far, advance } = standUp();
    const connection = await cloud.connect(never);
    far.sendLedger(Uint8Array.of(1));
    far.setDesired({ a: 1 });
    await advance(1);
    const seen: unknown[] = [];
    connection.onLedger((payload) => seen.push(payload[0]));
    connection.onDesired((patch) => seen.push(patch.$version));
    expect(seen).toEqual([1, 2]);
  });

  it("a message that no broker would take is dropped and reported, not sent", async () => {
    const { cloud, far } = standUp();
    const connection = await cloud.connect(never);
    const payload = new Uint8Array(65_537);
    const publish = connection.publish({ lane: "normal", properties: {}, payload });
    await expect(publish).rejects.toMatchObject({ next: "drop-and-report" });
    expect(far.messages).toEqual([]);
  });
});

describe("payloads from the broker", () => {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

  it("either decode or are a PayloadError, whatever the bytes", () => {
    const decoders = [objectFrom, twinFrom, desiredFrom, reportedVersionFrom, (b: Uint8Array) => commandFrom("1", b)];
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(anything, fc.constantFrom(...decoders), (payload, decode) => {
        try {
          decode(payload);
        } catch (error) {
          expect(error).toBeInstanceOf(PayloadError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("are refused when too deep, too long or no object", () => {
    const deep = new TextEncoder().encode(`${'{"a":'.repeat(7)}1${"}".repeat(7)}`);
    expect(() => objectFrom(deep)).toThrow("nested deeper");
    expect(() => objectFrom(bytes({ a: "x".repeat(20_000) }))).toThrow("at most");
    expect(() => objectFrom(bytes([1]))).toThrow("not a JSON object");
    expect(() => desiredFrom(bytes({ $version: 1.5 }))).toThrow("$version");
  });

  it("that are no portable twin any more are read all the same, so that they are refused in words", () => {
    let deep: Json = 1;
    for (let depth = 0; depth < 20; depth++) deep = { a: deep };
    const desired = { $version: 7, deep, large: "x".repeat(40_000) };
    expect(desiredFrom(bytes(desired))).toEqual(desired);
    expect(twinFrom(bytes({ desired, reported: { $version: 1 } })).desired).toEqual(desired);
  });
});
