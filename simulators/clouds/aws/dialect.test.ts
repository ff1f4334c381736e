/** The agent's AWS IoT Core dialect against the local cloud, in memory. */

import { describeCloud } from "@pump-station/agent/cloud/cloud.conformance.ts";
import type { PatchBasis } from "@pump-station/agent/cloud/cloud.ts";
import { describeCloudFaults } from "@pump-station/agent/cloud/cloud-faults.conformance.ts";
import type { DesiredDocument } from "@pump-station/agent/wire/twin-document.ts";
import { describe, expect, it } from "vitest";
import { STATION, standUp } from "./testing/stand-up.ts";

const never = new AbortController().signal;

for (const shadow of [undefined, "pump-station"]) {
  describeCloud(`AWS IoT Core with ${shadow ? "a named" : "the classic"} shadow, in memory`, async () => {
    const { cloud, far, aws, reach } = standUp(shadow === undefined ? {} : { shadow });
    return {
      cloud,
      far,
      cut: () => aws.cut(STATION),
      shut: async () => {
        reach.isThere = false;
      },
      dispose: async () => undefined,
    };
  });
}

describeCloudFaults("AWS IoT Core in memory", async () => {
  const { cloud, far, aws, reach, clock, advance } = standUp();
  return {
    cloud,
    far,
    cut: () => aws.cut(STATION),
    shut: async () => {
      reach.isThere = false;
    },
    dispose: async () => undefined,
    pass: advance,
    faults: {
      loseAcknowledgement: () => {
        aws.faults.loseAcknowledgements = 1;
      },
      acknowledgeTwice: () => {
        aws.faults.acknowledgeTwice = 1;
      },
      delayAcknowledgements: (ms) => {
        aws.faults.delayAcknowledgementsMs = ms;
      },
      cutMidMessage: () => {
        aws.faults.cutMidMessage = 1;
      },
      throttleMessage: () => {
        aws.faults.throttleMessages = 1;
      },
      expire: () => {
        reach.thing = undefined;
        aws.cut(STATION);
      },
      deliverTwice: () => {
        aws.faults.deliverTwice = 1;
      },
      throttle: () => {
        aws.faults.throttleRequests = 1;
      },
      refuse: () => {
        reach.thing = undefined;
      },
      admit: () => {
        reach.thing = STATION;
      },
      freeze: () => aws.freeze(STATION),
      takeOver: async () => {
        const nobody = { send: () => undefined, cut: () => undefined, close: () => undefined };
        const hello = { cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId: STATION } as const;
        aws.accept(nobody, STATION).onPacket(hello);
      },
      forgetSession: () => aws.forgetSession(STATION),
      skew: (ms) => clock.stepWall(ms),
    },
  };
});

async function listening() {
  const stood = standUp();
  const connection = await stood.cloud.connect(never);
  const patches: [DesiredDocument, PatchBasis | undefined][] = [];
  connection.onDesired((patch, basis) => patches.push([patch, basis]));
  return { ...stood, connection, patches };
}

describe("a shadow's one version", () => {
  it("becomes desired's own: reports between two patches leave no gap", async () => {
    const { aws, id, connection, patches, advance } = await listening();
    expect((await connection.getTwin()).desired).toEqual({ $version: 1 });
    aws.setDesired(id, { a: 1 });
    await connection.report({ x: 1 });
    await connection.report({ x: 2 });
    aws.setDesired(id, { a: null, b: [1] });
    await advance(10_000);
    expect(patches).toEqual([
      [{ a: 1, $version: 2 }, 1],
      [{ a: null, b: [1], $version: 5 }, 2],
    ]);
  });

  it("a GET after reports alone says the version that the station knows, after a change the shadow's", async () => {
    const { aws, id, connection } = await listening();
    aws.setDesired(id, { a: 1 });
    const known = (await connection.getTwin()).desired;
    await connection.report({ x: 1 });
    expect((await connection.getTwin(known)).desired).toEqual(known);
    aws.setDesired(id, { a: 2 }, { through: "unheard" });
    expect((await connection.getTwin(known)).desired).toEqual({ a: 2, $version: 4 });
  });

  it.each([
    [429, "retry-after"],
    [500, "retry-after"],
    [409, "retry"],
    [413, "retry"],
  ])("a rejection %i without a client token ends what waits at once, not after a minute", async (code, next) => {
    const { aws, connection, advance } = await listening();
    await connection.getTwin();
    aws.faults.lose["update/accepted"] = 1;
    const failed = expect(connection.report({ x: 1 })).rejects.toMatchObject({ name: "CloudError", next });
    await advance(1_000);
    const rejection = new TextEncoder().encode(JSON.stringify({ code, message: "no", timestamp: 1 }));
    aws.publish(`$aws/things/${STATION}/shadow/update/rejected`, rejection);
    await advance(1_000);
    await failed;
  });

  it("a missed patch shows at the next update of anybody, so that the whole is fetched", async () => {
    const { aws, id, connection, patches } = await listening();
    await connection.getTwin();
    aws.setDesired(id, { a: 1 }, { through: "unheard" });
    await connection.report({ x: 1 });
    expect(patches).toEqual([[{ $version: 3 }, "unknown"]]);
  });

  it("an update over REST brings a delta alone: the whole is fetched after a moment", async () => {
    const { aws, id, connection, patches, advance } = await listening();
    await connection.getTwin();
    aws.setDesired(id, { a: 1 }, { through: "rest" });
    await advance(2_000);
    expect(patches).toEqual([]);
    await advance(2_000);
    expect(patches).toEqual([[{ $version: 2 }, "unknown"]]);
  });

  it("a message delivered twice has the same version both times", async () => {
    const { aws, id, connection, patches, advance } = await listening();
    await connection.getTwin();
    aws.faults.deliverTwice = 4;
    aws.setDesired(id, { a: 1 });
    await advance(10_000);
    expect(patches).toEqual([
      [{ a: 1, $version: 2 }, 1],
      [{ a: 1, $version: 2 }, 1],
    ]);
  });

  it("a shadow that was deleted, or made anew at a lower version, is fetched whole", async () => {
    const { aws, id, connection, patches, advance } = await listening();
    for (let n = 0; n < 5; n++) aws.setDesired(id, { n });
    await connection.getTwin();
    aws.recreateShadow(id, { n: 9 });
    aws.setDesired(id, { n: 10 });
    await advance(1);
    expect(patches.at(-1)).toEqual([{ $version: 2 }, "unknown"]);
    expect((await connection.getTwin({ n: 4, $version: 6 })).desired).toEqual({ n: 10, $version: 2 });
    aws.deleteShadow(id);
    await advance(1);
    expect(patches.at(-1)?.[1]).toBe("unknown");
    expect(await connection.getTwin()).toEqual({ desired: { $version: 0 }, reported: { $version: 0 } });
  });

  it("what somebody else wrote into reported, or took out of it, is fetched; what the station wrote isn't", async () => {
    const { aws, id, connection, patches, advance } = await listening();
    await connection.getTwin();
    aws.faults.deliverTwice = 2;
    await connection.report({ a: 1 });
    await advance(1);
    aws.faults.deliverTwice = 0;
    expect(patches).toEqual([]);
    const write = (reported: object | null) =>
      aws.shadowRequest({ ...id, operation: "update" }, Buffer.from(JSON.stringify({ state: { reported } })), "mqtt");
    write({ a: 2 });
    await advance(1);
    expect(patches).toEqual([[{ $version: 3 }, "unknown"]]);
    write(null);
    await advance(1);
    expect(patches.at(-1)).toEqual([{ $version: 4 }, "unknown"]);
  });

  it("desired set to null as a whole is fetched, since no patch could say so", async () => {
    const { aws, id, connection, patches, advance } = await listening();
    aws.setDesired(id, { a: 1 });
    await connection.getTwin();
    aws.setDesired(id, null);
    await advance(1);
    expect(patches.at(-1)).toEqual([{ $version: 3 }, "unknown"]);
  });
});

describe("what the shadow service says no to", () => {
  it.each([
    [400, "drop-and-report"],
    [401, "reprovision"],
    [403, "reprovision"],
    [409, "retry"],
    [413, "drop-and-report"],
    [415, "drop-and-report"],
    [429, "retry-after"],
    [500, "retry-after"],
    [503, "retry-after"],
  ])("%i becomes %s, with the service's words", async (code, next) => {
    const { aws, connection } = await listening();
    aws.faults.rejectShadow = { code, message: "because" };
    const refused = connection.report({ a: 1 });
    await expect(refused).rejects.toMatchObject({ name: "CloudError", next });
    await expect(refused).rejects.toThrow(`update the shadow: ${code} because`);
  });

  it("a thing without a shadow has an empty twin, and its first report makes one", async () => {
    const { aws, id, connection } = await listening();
    aws.deleteShadow(id);
    expect(await connection.getTwin()).toEqual({ desired: { $version: 0 }, reported: { $version: 0 } });
    await connection.report({ a: 1 });
    expect(aws.shadow(id)?.state).toEqual({ reported: { a: 1 } });
  });

  it("what desired takes of the 8 KB is missing for the report, and the connection says so", async () => {
    const { aws, id, connection } = await listening();
    aws.setDesired(id, { text: "x".repeat(4_000) });
    await connection.getTwin();
    const room = connection.reportBytesMax?.() ?? 0;
    expect(room).toBe(8_192 - JSON.stringify({ text: "x".repeat(4_000) }).length);
    await connection.report({ y: "y".repeat(room - JSON.stringify({ y: "" }).length) });
    await expect(connection.report({ z: 1 })).rejects.toMatchObject({ next: "drop-and-report" });
  });

  it("a message on a topic beyond 256 bytes is dropped and reported: the service would end the connection", async () => {
    const { connection, aws } = await listening();
    const message = { lane: "normal", properties: { ser: "x".repeat(240) }, payload: new Uint8Array() } as const;
    await expect(connection.publish(message)).rejects.toMatchObject({ next: "drop-and-report" });
    expect(aws.connected).toEqual([STATION]);
  });

  it("a certificate that isn't known, or another thing's, says reprovision", async () => {
    const { cloud, reach } = standUp();
    for (const thing of [undefined, "other-lake"]) {
      reach.thing = thing;
      await expect(cloud.connect(never)).rejects.toMatchObject({ name: "CloudError", next: "reprovision" });
    }
  });
});

describe("a bad day of the cloud", () => {
  it("a lost acknowledgement ends in a new connection, and what was taken over came twice at worst", async () => {
    const { aws, far, connection, advance } = await listening();
    aws.faults.loseAcknowledgements = 1;
    const lost = connection.publish({ lane: "normal", properties: {}, payload: Uint8Array.of(1) });
    const outcome = expect(lost).rejects.toMatchObject({ next: "reconnect" });
    await advance(30_001);
    await outcome;
    expect(far.messages).toHaveLength(1);
  });

  it("a cloud that goes silent is noticed by the ping after the keep-alive", async () => {
    const { aws, connection, advance } = await listening();
    const reasons: string[] = [];
    connection.onClosed((reason) => reasons.push(reason));
    aws.faults.silent = true;
    await advance(80_000);
    expect(reasons).toEqual([expect.stringContaining("no answer to a ping")]);
  });

  it("a station that goes silent is seen offline after one and a half keep-alives", async () => {
    const { far, connection, reach, aws, advance } = await listening();
    await connection.getTwin();
    expect(far.online).toBe(true);
    // Its link is there, nothing comes through it any more.
    aws.faults.silent = true;
    reach.isThere = false;
    await advance(90_001);
    expect(far.online).toBe(false);
  });

  it("throttled requests are told by 429 and a time to wait; messages aren't acknowledged", async () => {
    const { aws, connection, advance } = await listening();
    aws.faults.throttle = true;
    await expect(connection.getTwin()).rejects.toMatchObject({ next: "retry-after", afterMs: 10_000 });
    const publish = expect(
      connection.publish({ lane: "normal", properties: {}, payload: new Uint8Array() }),
    ).rejects.toMatchObject({ next: "reconnect" });
    await advance(30_001);
    await publish;
  });

  it("a policy that forbids the station's topics ends the connection, and the error says where to look", async () => {
    const { cloud, aws, reach } = standUp();
    const connection = await cloud.connect(never);
    const publish = connection.publish({ lane: "normal", properties: {}, payload: new Uint8Array() });
    aws.cut(STATION);
    await expect(publish).rejects.toThrow("iot:Publish");
    expect(reach.isThere).toBe(true);
  });
});
