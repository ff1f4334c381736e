import {
  FILE_PARTS_MAX as STATION_FILE_PARTS_MAX,
  MESSAGE_BYTES_MAX as STATION_MESSAGE_BYTES_MAX,
} from "@pump-station/agent/limits.ts";
import { encodeLedger } from "@pump-station/agent/wire/ledger.ts";
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import { expect, test } from "vitest";
import * as limits from "./limits.ts";

test("whatever a station may send fits: message into packet, packet into group, group into queue", () => {
  expect(limits.MESSAGE_BYTES_MAX).toBeGreaterThanOrEqual(STATION_MESSAGE_BYTES_MAX);
  expect(limits.FILE_PARTS_MAX).toBeGreaterThanOrEqual(STATION_FILE_PARTS_MAX);
  const topic = topicsOf("s".repeat(64)).message("normal", { kind: "epoch-closed", schema: "0123456789abcdef" });
  expect(limits.PACKET_BYTES_MAX - limits.MESSAGE_BYTES_MAX).toBeGreaterThan(topic.length + 16);
  expect(limits.GROUP_BYTES_MAX).toBeGreaterThanOrEqual(limits.PACKET_BYTES_MAX);
  expect(limits.QUEUE_BYTES_MAX).toBeGreaterThan(10 * limits.GROUP_BYTES_MAX);
  expect(limits.SCHEMA_STATIONS_MAX).toBeGreaterThan(limits.GROUP_MESSAGES_MAX);
});

test("the largest ledger messages fit into a message", () => {
  const epoch = "0123456789abcdef";
  const ranges = (count: number) =>
    Array.from({ length: count }, (_, at) => {
      const first = limits.SEQUENCE_MAX - 3 * (count - at);
      return { first, last: first + 1 };
    });
  const one = [{ epoch, stream: "d".repeat(64), ranges: ranges(limits.RECEIPT_RANGES_MAX) }];
  const perStream = Math.floor(limits.RECEIPT_RANGES_MAX / limits.RECEIPT_LEDGERS_MAX);
  const many = Array.from({ length: limits.RECEIPT_LEDGERS_MAX }, (_, at) => ({
    epoch,
    stream: `${at}`.padEnd(64, "d"),
    ranges: ranges(perStream),
  }));
  for (const stored of [one, many]) {
    expect(encodeLedger({ kind: "receipt", stored }).length).toBeLessThan(limits.MESSAGE_BYTES_MAX);
  }
});

test("a twin patch fits into an HTTP body, and a slow listener is cut off long before memory is short", () => {
  expect(limits.HTTP_BODY_BYTES_MAX).toBeGreaterThan(limits.TWIN_BYTES_MAX);
  expect(limits.EVENT_CLIENTS_MAX * limits.EVENT_CLIENT_BYTES_MAX).toBeLessThanOrEqual(64 * 1024 * 1024);
  expect(limits.COMMAND_DEADLINE_MS).toBeLessThan(60_000);
  expect(limits.RECEIPT_EVERY_MS_MIN).toBeLessThan(limits.RECEIPT_EVERY_MS_DEFAULT);
});

test("times stay exact: a sample's time plus its boot's offset, and differences of their differences", () => {
  expect(4 * limits.TIME_MS_MAX).toBeLessThan(Number.MAX_SAFE_INTEGER);
  expect(limits.TIME_MS_MAX).toBeLessThan(2 ** 48);
});
