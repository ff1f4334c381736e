/**
 * What a device sends by itself. Its newest values wait for the next poll, each with the time at which it came; a
 * report that changes a state, decides an alarm differently, or ends a silence doesn't wait: it is told at once.
 */
import type { ReportRecogniser } from "@pump-station/sensor-descriptions/model.ts";
import { REPORT_INTERVALS_MAX, REPORT_WAIT_MS } from "../limits.ts";
import { type ChannelValue, missing, type Sample } from "../reading.ts";
import type { Clock, Timers } from "../world.ts";
import type { HealthCounter } from "./health.ts";
import type { Unasked } from "./hearing.ts";
import { type ChannelValues, createReportsAtOnce, type Latest, type ReportingDevice } from "./reports-at-once.ts";
import type { SharedSerialPort } from "./serial-port.ts";

export interface DeviceReports {
  /** Names of the reads that are never asked for. */
  readonly reads: ReadonlySet<string>;
  /** Untold reports, and "unchanged" or "timeout" for the rest; `bootMs` of the newest, if there is any. */
  take(): { readonly values: ChannelValues; readonly bootMs?: number };
  /** What the next report is compared with. */
  told(sample: Sample): void;
  /** Waits until something untold is there: at the first time everything that the device is known to send. */
  untold(boundMs: number): Promise<Ended>;
  /** Values of the named reads from reports that came at `sinceMs` or later; waits for them until `boundMs`. */
  since(names: ReadonlySet<string>, sinceMs: number, boundMs: number): Promise<ChannelValues>;
  /** On a line on which nobody is asked, who listens counts what is nobody's. */
  countUnasked(unasked: Unasked): void;
  /** A report that doesn't wait, as a sample in which what its frame doesn't carry is "unchanged". */
  onReport(listener: (sample: Sample) => void): void;
  /** Whoever waits is told "interrupted". */
  interrupt(): void;
  close(): void;
}

export type Ended = "there" | "timeout" | "port-absent" | "interrupted";

/** undefined for a device that only answers. */
export function createReports(
  deps: { readonly clock: Clock; readonly timers: Timers },
  device: ReportingDevice,
  port: SharedSerialPort,
  health: HealthCounter,
): DeviceReports | undefined {
  const { protocol } = device;
  const reads = protocol.reads.filter(({ isReport }) => isReport);
  if (!protocol.listen || reads.length === 0) return undefined;
  const listen = (): ReportRecogniser | undefined => protocol.listen?.(device.address ?? 0);
  const { clock } = deps;
  const latest = new Map<string, Latest>();
  const waiting = createWaiting(deps.timers);
  const atOnce = createReportsAtOnce(deps, device, latest);
  const staleMs = Math.max(REPORT_INTERVALS_MAX * device.everyMs, REPORT_WAIT_MS);
  let recogniser = listen();
  let isFirst = true;

  const detach = port.attach(protocol.settings, {
    hear: (bytes, bootMs) => {
      const reports = recogniser?.push(bytes) ?? [];
      for (const { read, values, frame } of reports) {
        health.reported();
        health.traffic.report(`report ${read}`, frame, bootMs);
        const told = [...values].map(([channel, value]) => [channel, channelValueOf(value)] as const);
        latest.set(read, { values: new Map(told), bootMs, isTold: false });
      }
      if (reports.length === 0) return [];
      const isTaken = waiting.isTaking();
      waiting.end("there");
      if (!isTaken) atOnce.consider();
      return reports.map(({ frame }) => frame);
    },
    closed: (reason) => {
      recogniser = listen();
      // Closed by us (another device's speed, a reopening) isn't absent.
      if (reason !== "closed") waiting.end("port-absent");
    },
  });

  const isComplete = (): boolean => {
    const untold = reads.filter(({ name }) => latest.get(name)?.isTold === false);
    return isFirst ? untold.length === reads.length : untold.length > 0;
  };

  return {
    reads: new Set(reads.map(({ name }) => name)),
    onReport: (listener) => atOnce.onReport(listener),
    countUnasked: ({ bytes, uncounted }) => {
      const counting = listen();
      counting?.push(bytes);
      const { otherFrames = 0, strayBytes = 0 } = counting ?? {};
      health.line({ otherFrames, strayBytes: strayBytes + uncounted });
    },
    told: (sample) => atOnce.told(sample),
    take: () => {
      isFirst = false;
      const values = new Map<string, ChannelValue>();
      let bootMs: number | undefined;
      for (const { name, channels } of reads) {
        const report = latest.get(name);
        const isFresh = report !== undefined && clock.bootMs() - report.bootMs <= staleMs;
        const without = missing(isFresh ? "unchanged" : "timeout");
        const isUntold = report?.isTold === false;
        if (isUntold) bootMs = Math.max(bootMs ?? report.bootMs, report.bootMs);
        for (const channel of channels)
          values.set(channel, isUntold ? (report.values.get(channel) ?? missing("malformed")) : without);
        if (report) report.isTold = true;
      }
      return { values, ...(bootMs === undefined ? {} : { bootMs }) };
    },
    untold: async (boundMs) => {
      const endMs = clock.bootMs() + boundMs;
      for (;;) {
        if (isComplete()) return "there";
        const leftMs = endMs - clock.bootMs();
        if (leftMs <= 0) return "timeout";
        const how = await waiting.next(leftMs, true);
        if (how === "port-absent" || how === "interrupted") return how;
      }
    },
    since: async (names, sinceMs, boundMs) => {
      const wanted = reads.filter(({ name }) => names.has(name));
      const isThere = ({ name }: { readonly name: string }): boolean => (latest.get(name)?.bootMs ?? -1) >= sinceMs;
      const endMs = clock.bootMs() + boundMs;
      for (let leftMs = boundMs; leftMs > 0 && !wanted.every(isThere); leftMs = endMs - clock.bootMs())
        if ((await waiting.next(leftMs, false)) !== "there") break;
      return new Map(wanted.filter(isThere).flatMap(({ name }) => [...(latest.get(name)?.values ?? [])]));
    },
    interrupt: () => waiting.end("interrupted"),
    close: () => {
      detach();
      atOnce.close();
      waiting.end("interrupted");
    },
  };
}

const channelValueOf = (value: number | "no-sensor" | "malformed"): ChannelValue =>
  typeof value === "number" ? value : missing(value);

/** Who waits for the next report; `isTaking`: a poll that will tell what comes. */
function createWaiting(timers: Timers) {
  let waiters: { readonly isTaking: boolean; end(how: Ended): void }[] = [];
  return {
    isTaking: (): boolean => waiters.some(({ isTaking }) => isTaking),
    end: (how: Ended): void => {
      const ended = waiters;
      waiters = [];
      for (const waiter of ended) waiter.end(how);
    },
    next: (boundMs: number, isTaking: boolean): Promise<Ended> =>
      new Promise((resolve) => {
        const end = (how: Ended): void => {
          cancel();
          waiters = waiters.filter((other) => other !== waiter);
          resolve(how);
        };
        const waiter = { isTaking, end };
        const cancel = timers.after(boundMs, () => end("timeout"));
        waiters.push(waiter);
      }),
  };
}
