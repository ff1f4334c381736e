/** The board's side of asking, against a broker in memory whose answers are whatever a bridge, or nobody's bridge, sends. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CERTIFICATE_BYTES_MAX, DESCRIPTION_PART_BYTES, ENROL_ANSWER_MS, UPDATE_PACKED_BYTES_MAX } from "../limits.ts";
import { createMemoryBroker } from "../testing/memory-mqtt.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { Secret } from "../world.ts";
import { createMqttEnrolment } from "./enrolment.ts";

const STATION = "demo-lake";
const PROOF = { certificate: "mine", privateKey: new Secret("k") };
const HASH = "ab".repeat(32);
const never = new AbortController().signal;

type Answering = (asked: { part: number; csr: string }, what: string) => unknown;

function standUp(answering: Answering) {
  const time = createSimulatedTime();
  const broker = createMemoryBroker(time);
  let seed = 0;
  const chance = { fraction: () => 0.5, bytes: (count: number) => new Uint8Array(count).fill(++seed) };
  broker.subscribe(`ps/1/${STATION}/enrol/+/+`, (topic, payload) => {
    const [, , , , what = "", rid = ""] = topic.split("/");
    if (what === "answer") return;
    const answer = answering(JSON.parse(new TextDecoder().decode(payload)) as { part: number; csr: string }, what);
    if (answer !== undefined) broker.publish(`ps/1/${STATION}/enrol/answer/${rid}`, JSON.stringify(answer));
  });
  const enrolment = createMqttEnrolment(
    { ...time, chance, clients: broker.clients },
    { url: "mqtts://bridge:8883", station: STATION },
  );
  return { ...time, broker, enrolment };
}

const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
/** As the bridge answers. */
const partOf = (archive: Uint8Array, part: number, more: object = {}) => {
  const bytes = archive.subarray((part - 1) * DESCRIPTION_PART_BYTES, part * DESCRIPTION_PART_BYTES);
  const parts = Math.ceil(archive.length / DESCRIPTION_PART_BYTES);
  const body = Buffer.from(bytes).toString("base64");
  return { hash: HASH, sha256: sha256Of(archive), part, parts, body, ...more };
};

describe("the description that was handed over", () => {
  const archive = Uint8Array.from({ length: 2 * DESCRIPTION_PART_BYTES + 7 }, (_, at) => at % 251);

  it("is put together from its parts", async () => {
    const { enrolment } = standUp(({ part }) => partOf(archive, part));
    const given = await enrolment.description(PROOF, never);
    expect(given?.hash).toBe(HASH);
    expect(Buffer.from(given?.archive ?? []).equals(archive)).toBe(true);
  });

  it("isn't taken when its parts are of two archives, or one was changed on the way", async () => {
    const other = archive.map((byte) => byte ^ 1);
    const { enrolment } = standUp(({ part }) => partOf(part === 2 ? other : archive, part));
    await expect(enrolment.description(PROOF, never)).rejects.toMatchObject({
      next: "retry",
      message: expect.stringContaining("SHA-256") as string,
    });
  });

  it("isn't taken when it is larger than a description may be, whatever its parts say of their number", async () => {
    let asked = 0;
    const { enrolment } = standUp(({ part }) => {
      asked++;
      return partOf(archive, 1, { part, parts: 64 });
    });
    await expect(enrolment.description(PROOF, never)).rejects.toMatchObject({ next: "stop" });
    expect(asked).toBe(Math.floor(UPDATE_PACKED_BYTES_MAX / DESCRIPTION_PART_BYTES) + 1);
  });

  it.each([
    ["another part than was asked for", { part: 2 }],
    ["of more parts than there can be", { parts: 65 }],
    ["more than two parts' worth", { body: "A".repeat(2 * DESCRIPTION_PART_BYTES) }],
    ["no hash", { hash: "rubbish" }],
  ])("isn't taken from an answer that can't be right: %s", async (_, more) => {
    const { enrolment } = standUp(({ part }) => partOf(archive, part, more));
    await expect(enrolment.description(PROOF, never)).rejects.toMatchObject({
      next: "retry",
      message: expect.stringContaining("can't be read") as string,
    });
  });

  it("may not be there", async () => {
    expect(await standUp(() => ({ parts: 0 })).enrolment.description(PROOF, never)).toBeUndefined();
  });
});

describe("a certificate", () => {
  const ask = ({ enrolment }: ReturnType<typeof standUp>) =>
    enrolment.ask({ token: new Secret("t0k3n") }, { csr: "csr", adopt: false }, never);

  it("comes for the request; a refusal comes with the bridge's words", async () => {
    expect(await ask(standUp(({ csr }, what) => ({ certificate: `${what} of ${csr}` })))).toBe("request of csr");
    await expect(ask(standUp(() => ({ error: "another board is it", advice: "adopt" })))).rejects.toMatchObject({
      next: "stop",
      message: "the cloud gives no certificate: another board is it; adopt",
    });
  });

  it("isn't taken from an answer that is too long to be one", async () => {
    const answer = ask(standUp(() => ({ certificate: "c".repeat(CERTIFICATE_BYTES_MAX) })));
    await expect(answer).rejects.toMatchObject({ next: "retry" });
  });

  it("is asked for again later when no answer comes, or the link breaks meanwhile", async () => {
    const silent = standUp(() => undefined);
    const late = ask(silent).catch((error: unknown) => error);
    await silent.advance(ENROL_ANSWER_MS + 1_000);
    expect(await late).toMatchObject({ next: "retry", message: expect.stringContaining("no answer") as string });
    const cut = standUp(() => undefined);
    const lost = ask(cut).catch((error: unknown) => error);
    await cut.advance(1_000);
    cut.broker.cutAll();
    expect(await lost).toMatchObject({
      next: "retry",
      message: expect.stringContaining("connection closed") as string,
    });
  });
});
