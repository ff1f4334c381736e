/** How every dialect must bear what goes wrong. A dialect's test calls this with the knobs of its far side. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CloudUnderTest } from "./cloud.conformance.ts";
import type { CloudConnection } from "./cloud.ts";

export interface FaultyCloudUnderTest extends CloudUnderTest {
  readonly faults: {
    /** The next message is taken over, its acknowledgement gets lost. */
    loseAcknowledgement(): void;
    /** The next message is acknowledged and arrives twice. */
    acknowledgeTwice(): void;
    /** From now on acknowledgements come so much later. */
    delayAcknowledgements(ms: number): void;
    /** The next desired patch is delivered twice. */
    deliverTwice(): void;
    /** The next message to the station ends in the middle, and the link with it. */
    cutMidMessage(): void;
    /** The next twin request is answered with "too many". */
    throttle(): void;
    /** The next message isn't taken over: the station sends too much. */
    throttleMessage(): void;
    /** From now on the station's credentials are refused; until `admit`. */
    refuse(): void;
    admit(): void;
    /** The same, and whoever is in is thrown out: they have expired. */
    expire(): void;
    /** The link carries nothing any more, either way, and nobody is told. */
    freeze(): void;
    /** Somebody else connects as this station. */
    takeOver(): Promise<void>;
    /** What the cloud kept of the session is gone. */
    forgetSession(): void;
    /** The station's clock shows so much more than the cloud's. */
    skew(ms: number): void;
  };
  /** The cloud can't say "too many" (MQTT 3.1.1): it hangs up. */
  readonly hasNoWords?: boolean;
  /** Lets so much of the station's time pass. */
  pass(ms: number): Promise<void>;
}

const never = new AbortController().signal;
const SOON = { timeout: 8_000, interval: 10 };
const payload = Uint8Array.of(1, 2, 3);
const MESSAGE = { lane: "normal", properties: { kind: "batch" }, payload } as const;

export function describeCloudFaults(name: string, standUp: () => Promise<FaultyCloudUnderTest>): void {
  describe(`${name} when things go wrong`, () => {
    let under: FaultyCloudUnderTest;
    const connections: CloudConnection[] = [];
    const connect = async (): Promise<CloudConnection & { closed: string[] }> => {
      const connection = await under.cloud.connect(never);
      connections.push(connection);
      const closed: string[] = [];
      connection.onClosed((reason) => closed.push(reason));
      return Object.assign(connection, { closed });
    };

    beforeEach(async () => {
      under = await standUp();
    });
    afterEach(async () => {
      await Promise.all(connections.splice(0).map((connection) => connection.close()));
      await under.dispose();
    });

    it("a patch that was missed shows in the next one's version, and a full twin has both", async () => {
      const connection = await connect();
      const seen: number[] = [];
      connection.onDesired(({ $version }) => seen.push($version));
      const { desired } = await connection.getTwin();
      under.far.setDesiredUnheard({ devices: { pump: { target: 700 } } });
      under.far.setDesired({ devices: { pump: { every: 60 } } });
      await vi.waitFor(() => expect(seen).toEqual([desired.$version + 2]), SOON);
      expect((await connection.getTwin()).desired).toEqual({
        devices: { pump: { target: 700, every: 60 } },
        $version: desired.$version + 2,
      });
    });

    it("what was set while the station was away is in the twin of the next connection", async () => {
      await (await connect()).close();
      under.far.setDesired({ upload: { interval: 60 } });
      expect((await (await connect()).getTwin()).desired).toMatchObject({ upload: { interval: 60 } });
    });

    it("a twin that was made anew is taken as it is, with its lower version", async () => {
      const connection = await connect();
      under.far.setDesired({ devices: { pump: { target: 700 } } });
      under.far.setDesired({ devices: { pump: { target: 800 } } });
      const before = await connection.getTwin();
      under.far.twin.recreate({ devices: { pump: { target: 650 } } });
      const { desired } = await connection.getTwin();
      expect(desired.$version).toBeLessThan(before.desired.$version);
      expect(desired["devices"]).toEqual({ pump: { target: 650 } });
    });

    it("a patch that is delivered twice carries its version both times", async () => {
      const connection = await connect();
      const seen: number[] = [];
      connection.onDesired(({ $version }) => seen.push($version));
      under.faults.deliverTwice();
      under.far.setDesired({ devices: { pump: { target: 700 } } });
      await vi.waitFor(() => expect(seen).toHaveLength(2), SOON);
      expect(seen[0]).toBe(seen[1]);
    });

    it("a null in a patch is handed on as one", async () => {
      const connection = await connect();
      under.far.setDesired({ devices: { pump: { target: 700 } } });
      const seen: unknown[] = [];
      connection.onDesired((patch) => seen.push(patch["devices"]));
      under.far.setDesired({ devices: { pump: { target: null } } });
      await vi.waitFor(() => expect(seen.at(-1)).toEqual({ pump: { target: null } }), SOON);
    });

    it("who is thrown out by another of the same name is told once, and may come back", async () => {
      const connection = await connect();
      await under.faults.takeOver();
      await vi.waitFor(() => expect(connection.closed).toHaveLength(1), SOON);
      await expect(connection.publish(MESSAGE)).rejects.toMatchObject({ name: "CloudError", next: "reconnect" });
      await (await connect()).publish(MESSAGE);
      await vi.waitFor(() => expect(under.far.messages).toHaveLength(1), SOON);
      expect(connection.closed).toHaveLength(1);
    });

    it("a throttled request says to wait, the next one works, and the connection stands", async () => {
      const connection = await connect();
      under.faults.throttle();
      const throttled = connection.getTwin();
      if (under.hasNoWords) {
        await expect(throttled).rejects.toMatchObject({ name: "CloudError", next: "reconnect" });
        return void (await (await connect()).getTwin());
      }
      await expect(throttled).rejects.toMatchObject({ name: "CloudError", next: "retry-after" });
      const { afterMs } = (await throttled.catch((error: unknown) => error)) as { afterMs: number };
      expect(afterMs).toBeGreaterThan(0);
      await connection.getTwin();
      expect(connection.closed).toEqual([]);
    });

    it("a throttled message stays with the station: it is told to wait or to come back, and sends it again", async () => {
      const connection = await connect();
      under.faults.throttleMessage();
      const sent = connection.publish(MESSAGE);
      const throttled = expect(sent).rejects.toMatchObject({
        next: expect.stringMatching(/^(retry-after|reconnect)$/),
      });
      await Promise.race([throttled, under.pass(31_000)]);
      await throttled;
      await (connection.closed.length > 0 ? await connect() : connection).publish({
        ...MESSAGE,
        payload: Uint8Array.of(9),
      });
      await vi.waitFor(() => expect(under.far.messages.at(-1)?.payload[0]).toBe(9), SOON);
    });

    it("credentials that expire on a connection end it; then they are refused, and once they are good the station is in", async () => {
      const connection = await connect();
      under.faults.expire();
      await vi.waitFor(() => expect(connection.closed).toHaveLength(1), SOON);
      await expect(under.cloud.connect(never)).rejects.toMatchObject({ name: "CloudError", next: "reprovision" });
      under.faults.admit();
      await (await connect()).publish(MESSAGE);
    });

    it("refused credentials are told from a cloud that is away; once they are good the station is in", async () => {
      under.faults.refuse();
      await expect(under.cloud.connect(never)).rejects.toMatchObject({ name: "CloudError", next: "reprovision" });
      under.faults.admit();
      await (await connect()).publish(MESSAGE);
    });

    it("a link that carries nothing any more is found out by what it doesn't acknowledge", async () => {
      const connection = await connect();
      under.faults.freeze();
      const sent = connection.publish(MESSAGE);
      const failed = expect(sent).rejects.toMatchObject({ name: "CloudError", next: "reconnect" });
      await under.pass(31_000);
      await failed;
      await vi.waitFor(() => expect(connection.closed).toHaveLength(1), SOON);
      await (await connect()).publish(MESSAGE);
    });

    it("…and by a ping when nobody has anything to say", async () => {
      const connection = await connect();
      under.faults.freeze();
      await under.pass(90_000);
      await vi.waitFor(() => expect(connection.closed).toHaveLength(1), SOON);
    });

    it("a lost acknowledgement ends the connection; the message is sent again on the next, and is there", async () => {
      const connection = await connect();
      under.faults.loseAcknowledgement();
      const sent = connection.publish(MESSAGE);
      const failed = expect(sent).rejects.toMatchObject({ name: "CloudError", next: "reconnect" });
      await under.pass(31_000);
      await failed;
      await (await connect()).publish(MESSAGE);
      await vi.waitFor(() => expect(under.far.messages.length).toBeGreaterThanOrEqual(1), SOON);
      for (const message of under.far.messages) expect([...message.payload]).toEqual([...payload]);
    });

    it("an acknowledgement that comes late is one", async () => {
      const connection = await connect();
      under.faults.delayAcknowledgements(10_000);
      const sent = connection.publish(MESSAGE);
      await under.pass(11_000);
      await sent;
      expect(connection.closed).toEqual([]);
      under.faults.delayAcknowledgements(0);
    });

    it("a message that ends in the middle ends the connection; what it said is in the twin of the next", async () => {
      const connection = await connect();
      const seen: number[] = [];
      connection.onDesired(({ $version }) => seen.push($version));
      under.faults.cutMidMessage();
      under.far.setDesired({ upload: { interval: 60 } });
      await vi.waitFor(() => expect(connection.closed).toHaveLength(1), SOON);
      expect(seen).toEqual([]);
      expect((await (await connect()).getTwin()).desired).toMatchObject({ upload: { interval: 60 } });
    });

    it("a second acknowledgement of the same message harms nobody", async () => {
      const connection = await connect();
      under.faults.acknowledgeTwice();
      await connection.publish(MESSAGE);
      await connection.publish({ ...MESSAGE, payload: Uint8Array.of(9) });
      await vi.waitFor(() => expect(under.far.messages.at(-1)?.payload[0]).toBe(9), SOON);
      expect(connection.closed).toEqual([]);
    });

    it("a forgotten session costs nothing: settings, commands and twin work on the next connection", async () => {
      await (await connect()).close();
      under.faults.forgetSession();
      const connection = await connect();
      const seen: number[] = [];
      connection.onDesired(({ $version }) => seen.push($version));
      connection.onCommand(async () => ({ status: 200, text: "idle" }));
      await connection.getTwin();
      under.far.setDesired({ upload: { interval: 30 } });
      await vi.waitFor(() => expect(seen).toHaveLength(1), SOON);
      expect(await under.far.call({ id: "c1", device: "pump", command: "stop" })).toMatchObject({ status: 200 });
    });

    it.each([-2, 2])("a clock that is %i hours off is no reason to stay away", async (hours) => {
      under.faults.skew(hours * 3_600_000);
      await (await connect()).publish(MESSAGE);
      await vi.waitFor(() => expect(under.far.messages).toHaveLength(1), SOON);
    });
  });
}
