import { FILTER_WINDOW_READINGS_MAX } from "@pump-station/sensor-descriptions/step-times.ts";
import { expect, it } from "vitest";
import * as limits from "./limits.ts";

it("a message that is full fits what any cloud takes, and what a reader lets inflate holds a full one", () => {
  expect(limits.MESSAGE_BYTES_TARGET).toBeLessThan(4_096);
  expect(limits.MESSAGE_BYTES_TARGET).toBeLessThan(limits.MESSAGE_BYTES_MAX);
  expect(limits.MESSAGE_BYTES_MAX).toBeLessThanOrEqual(128 * 1024);
  expect(limits.INFLATED_BYTES_MAX).toBeGreaterThanOrEqual(limits.BATCH_SAMPLES_MAX * 32 * 8);
});

it("what waits in RAM while the disk fails fits into one message's bound of samples and into the file", () => {
  expect(limits.RAM_RING_SAMPLES_MAX).toBeLessThanOrEqual(limits.BATCH_SAMPLES_MAX);
  expect(limits.RAM_RING_SAMPLES_MAX * 400).toBeLessThan(limits.BUFFER_BYTES_DEFAULT);
});

it("back-offs begin below their ends", () => {
  expect(limits.BACKOFF_FIRST_MS).toBeLessThan(limits.BACKOFF_MAX_MS);
  expect(limits.PUBLISH_DEADLINE_MS).toBeLessThan(limits.BACKOFF_MAX_MS);
  expect(limits.PROBE_EVERY_MAX_MS).toBeLessThan(limits.READ_BACK_EVERY_MS);
});

it("a trial lasts longer than a file takes to settle, and ends", () => {
  expect(limits.SETTLE_MS).toBeLessThan(limits.SETTLE_CUT_MS);
  expect(limits.SETTLE_CUT_MS).toBeLessThan(limits.TRIAL_MIN_MS);
  expect(limits.TRIAL_MIN_MS).toBeLessThan(limits.TRIAL_MAX_MS);
  expect(limits.TRIAL_LOOK_MS).toBeLessThan(limits.TRIAL_MIN_MS);
});

it("a report that can't wait is told sooner than a poll would give up waiting for one", () => {
  expect(limits.REPORT_AT_ONCE_EVERY_MS).toBeLessThan(limits.REPORT_WAIT_MS);
  expect(limits.REPORT_WAIT_MS).toBeLessThan(limits.PROBE_EVERY_MAX_MS);
});

it("a filter's window that check lets pass is kept whole", () => {
  expect(limits.FILTER_VALUES_MAX).toBeGreaterThanOrEqual(FILTER_WINDOW_READINGS_MAX);
});
