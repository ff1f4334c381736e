import { encodeAlarms } from "@pump-station/agent/wire/alarms.ts";
import { encodeBatch } from "@pump-station/agent/wire/batch.ts";
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import { expect, test } from "vitest";
import { createSentMessages } from "./sent-messages.ts";

const EPOCH = "00000000000000e1";
const HASH = "aaaaaaaaaaaaaaaa";
const schema: StreamSchema = { stream: "pump", channels: [{ name: "a", kind: "gauge", unit: "", resolution: 1 }] };
const batchOf = (first: number, last: number): Uint8Array => {
  const times = Array.from({ length: last - first + 1 }, (_, at) => 1_000 * (first + at));
  const block = { stream: "pump", schemaHash: HASH, sequence: first, times, rows: times.map(() => [1]) };
  return encodeBatch({ epoch: EPOCH, basis: { kind: "wall" }, blocks: [block] }, () => schema);
};
const topicOf = (lane: string, kind: string): string => `ps/1/lake/${lane}/kind=${kind}&v=1`;
const send = (sent: ReturnType<typeof createSentMessages>, lane: string, payload: Uint8Array) =>
  sent.saw(lane, topicOf(lane, "batch"), payload);

test("the same message again is no problem, however often", () => {
  const sent = createSentMessages();
  for (let times = 0; times < 3; times++) expect(send(sent, "normal", batchOf(1, 5))).toBe(true);
  send(sent, "normal", batchOf(6, 9));
  expect(sent.recut).toEqual([]);
  expect(sent).toMatchObject({ samples: 19, repeated: 10 });
});

test("a sample in another message of its lane is named", () => {
  const sent = createSentMessages();
  send(sent, "normal", batchOf(1, 5));
  send(sent, "normal", batchOf(5, 9));
  expect(sent.recut).toEqual([expect.stringContaining(`${EPOCH} pump 5: first in message normal`)]);
});

test("what is asked for once more may be cut otherwise", () => {
  const sent = createSentMessages();
  send(sent, "normal", batchOf(1, 5));
  send(sent, "late", batchOf(2, 3));
  send(sent, "late", batchOf(3, 4));
  expect(sent.recut).toEqual([]);
});

test("alarms count as samples, book-keeping doesn't", () => {
  const sent = createSentMessages();
  const alarm = {
    epoch: EPOCH,
    sequence: 1,
    basis: { kind: "wall" },
    time: 1,
    device: "pump",
    alarm: "hot",
    severity: "info",
    active: true,
    because: "",
  } as const;
  expect(sent.saw("urgent", topicOf("urgent", "alarms"), encodeAlarms([alarm]))).toBe(true);
  expect(sent.saw("normal", topicOf("normal", "epoch-closed"), Uint8Array.of(1))).toBe(false);
  expect(sent.samples).toBe(1);
});
