/** What every dialect must do. A dialect's test calls this with a way to stand it up beside a far side. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FarSide } from "../testing/far-side.ts";
import { type Cloud, type CloudConnection, CloudError, type CommandCall } from "./cloud.ts";

export interface CloudUnderTest {
  readonly cloud: Cloud;
  readonly far: FarSide;
  /** What a refused report is told; default: the text that the test gives. */
  readonly refusal?: string;
  /** The link breaks without a goodbye. */
  cut(): void;
  /** From now on connect() meets nobody. */
  shut(): Promise<void>;
  dispose(): Promise<void>;
}

const never = new AbortController().signal;

export function describeCloud(name: string, standUp: () => Promise<CloudUnderTest>): void {
  describe(`${name} as a cloud`, () => {
    let under: CloudUnderTest;
    const connections: CloudConnection[] = [];
    const connect = async (): Promise<CloudConnection> => {
      const connection = await under.cloud.connect(never);
      connections.push(connection);
      return connection;
    };

    beforeEach(async () => {
      under = await standUp();
    });
    afterEach(async () => {
      await Promise.all(connections.splice(0).map((connection) => connection.close()));
      await under.dispose();
    });

    it("delivers a published message with its lane, properties and bytes, once", async () => {
      const connection = await connect();
      const payload = Uint8Array.from({ length: 3500 }, (_, index) => index % 256);
      const properties = { kind: "batch", ser: "a/b+c#d &=%é" };
      await connection.publish({ lane: "normal", properties, payload });
      await vi.waitFor(() => expect(under.far.messages).toHaveLength(1));
      const [message] = under.far.messages;
      expect(message?.lane).toBe("normal");
      expect({ ...message?.properties }).toEqual(properties);
      expect(Buffer.from(message!.payload)).toEqual(Buffer.from(payload));
    });

    it("keeps the order of a lane's messages", async () => {
      const connection = await connect();
      for (let n = 0; n < 20; n++) {
        await connection.publish({ lane: "urgent", properties: { n: String(n) }, payload: Uint8Array.of(n) });
      }
      await vi.waitFor(() => expect(under.far.messages).toHaveLength(20));
      expect(under.far.messages.map(({ payload }) => payload[0])).toEqual(Array.from({ length: 20 }, (_, n) => n));
    });

    it("gets both twin documents", async () => {
      under.far.setDesiredUnheard({ devices: { pump: { target: 900 } } });
      const connection = await connect();
      expect(await connection.getTwin()).toEqual(under.far.twin.documents());
    });

    it("reports a merge patch and returns the new version", async () => {
      const connection = await connect();
      const { version } = await connection.report({ agent: { version: "1" }, upload: { interval: 5 } });
      const next = await connection.report({ upload: null });
      expect(next.version).toBe(version + 1);
      expect(under.far.twin.documents().reported).toEqual({ agent: { version: "1" }, $version: next.version });
    });

    it("a refused report is a CloudError that says drop", async () => {
      const connection = await connect();
      under.far.refuseReports = "8193 bytes, at most 8192";
      const refused = connection.report({ a: 1 });
      await expect(refused).rejects.toMatchObject({ name: "CloudError", next: "drop-and-report" });
      await expect(refused).rejects.toThrow(under.refusal ?? "8193 bytes");
    });

    it("hands on desired patches with their version, in order", async () => {
      const connection = await connect();
      const seen: number[] = [];
      connection.onDesired((patch) => seen.push(patch.$version));
      for (const target of [700, 800, 900]) under.far.setDesired({ devices: { pump: { target } } });
      await vi.waitFor(() => expect(seen).toEqual([2, 3, 4]));
    });

    it("answers a command with what the listener says", async () => {
      const connection = await connect();
      const calls: CommandCall[] = [];
      connection.onCommand(async (call) => {
        calls.push(call);
        return { status: 200, text: "idle" };
      });
      const call = { id: "c1", device: "pump", command: "stop", expiresMs: 1_800_000_000_000 };
      expect(await under.far.call(call)).toEqual({ status: 200, text: "idle" });
      expect(calls).toEqual([call]);
    });

    it("hands on the ledger's bytes", async () => {
      const connection = await connect();
      const seen: Uint8Array[] = [];
      connection.onLedger((payload) => seen.push(payload));
      under.far.sendLedger(Uint8Array.of(1, 0, 255));
      await vi.waitFor(() => expect(seen.map((bytes) => [...bytes])).toEqual([[1, 0, 255]]));
    });

    it("is seen online while connected, offline after a goodbye and after a cut", async () => {
      const connection = await connect();
      await vi.waitFor(() => expect(under.far.online).toBe(true));
      await connection.close();
      await vi.waitFor(() => expect(under.far.online).toBe(false));
      await connect();
      await vi.waitFor(() => expect(under.far.online).toBe(true));
      under.cut();
      await vi.waitFor(() => expect(under.far.online).toBe(false));
    });

    it("says once that the connection was cut; what is asked afterwards fails as reconnect", async () => {
      const connection = await connect();
      const reasons: string[] = [];
      connection.onClosed((reason) => reasons.push(reason));
      under.cut();
      await vi.waitFor(() => expect(reasons).toHaveLength(1));
      const publish = connection.publish({ lane: "normal", properties: {}, payload: new Uint8Array() });
      await expect(publish).rejects.toMatchObject({ name: "CloudError", next: "reconnect" });
      await expect(connection.getTwin()).rejects.toMatchObject({ name: "CloudError", next: "reconnect" });
      await connection.close();
      expect(reasons).toHaveLength(1);
    });

    it("fails a waiting request when the link is cut", async () => {
      const connection = await connect();
      under.far.silent = true;
      const waiting = connection.getTwin();
      const failed = expect(waiting).rejects.toMatchObject({ next: "reconnect" });
      await Promise.resolve();
      under.cut();
      await failed;
    });

    it("a connection can be made again, and the newer one takes over", async () => {
      const first = await connect();
      const closed = new Promise<string>((resolve) => first.onClosed(resolve));
      const second = await connect();
      await closed;
      await second.publish({ lane: "late", properties: {}, payload: Uint8Array.of(7) });
      await vi.waitFor(() => expect(under.far.messages).toHaveLength(1));
    });

    it("an unreachable cloud is a CloudError that says retry; an aborted connect ends with the signal's reason", async () => {
      await under.shut();
      const error: unknown = await under.cloud.connect(never).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(CloudError);
      expect(error).toMatchObject({ next: "retry" });
      const reason = new Error("service stops");
      await expect(under.cloud.connect(AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
}
