/**
 * What a device sends by itself. Its newest values wait for the next poll, each with the time at which it came; a
 * report that changes a state, decides an alarm differently, or ends a silence doesn't wait: it is told at once.
 */
import type { Device, ReportRecogniser, SerialProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { REPORT_AT_ONCE_EVERY_MS, REPORT_INTERVALS_MAX, REPORT_WAIT_MS } from "../limits.ts";
import { type ChannelValue, isMissing, missing, type Sample } from "../reading.ts";
import type { Clock, Timers } from "../world.ts";
import type { HealthCounter } from "./health.ts";
import { valuesMeantBy } from "./newest-values.ts";
import { sampleOf } from "./sample-of.ts";
import type { SharedSerialPort } from "./serial-port.ts";

type ReportingDevice = Device & { readonly protocol: SerialProtocol };
type ChannelValues = ReadonlyMap<string, ChannelValue>;

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
  /** A report that doesn't wait, as a sample in which what its frame doesn't carry is "unchanged". */
  onReport(listener: (sample: Sample) => void): void;
  /** Whoever waits is told "interrupted". */
  interrupt(): void;
  close(): void;
}

export type Ended = "there" | "timeout" | "port-absent" | "interrupted";

interface Latest {
  readonly values: ChannelValues;
  readonly bootMs: number;
  isTold: boolean;
}

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
  const atOnce = createAtOnce(deps, device, latest);
  const staleMs = Math.max(REPORT_INTERVALS_MAX * device.everyMs, REPORT_WAIT_MS);
  let recogniser = listen();
  let isFirst = true;

  const detach = port.attach(protocol.settings, {
    hear: (bytes, bootMs) => {
      const reports = recogniser?.push(bytes) ?? [];
      for (const { read, values } of reports) {
        health.reported();
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

/** Which reports are news that can't wait for the next poll; not more often than the limit says, and then the newest. */
function createAtOnce(
  { clock, timers }: { readonly clock: Clock; readonly timers: Timers },
  device: ReportingDevice,
  latest: ReadonlyMap<string, Latest>,
) {
  const listeners: ((sample: Sample) => void)[] = [];
  const before = new Map<string, ChannelValue>();
  const isState = new Set(device.channels.filter(({ kind }) => kind === "state").map(({ name }) => name));
  let lastMs = Number.NEGATIVE_INFINITY;
  let cancel: (() => void) | undefined;

  const keep = (values: Iterable<readonly [string, ChannelValue]>): void => {
    for (const [channel, value] of values)
      if (!isMissing(value) || value.missing !== "unchanged") before.set(channel, value);
  };
  const isNews = ({ values, isTold }: Latest): boolean => {
    if (isTold || before.size === 0) return false;
    const differs = [...values].some(([channel, value]) => {
      const old = before.get(channel);
      return old !== undefined && ((isMissing(old) && isSilence(old)) || (isState.has(channel) && !isSame(old, value)));
    });
    return differs || verdicts(device, before) !== verdicts(device, new Map([...before, ...values]));
  };
  const consider = (): void => {
    const news = [...latest.values()].filter(isNews);
    if (news.length === 0 || cancel) return;
    const waitMs = lastMs + REPORT_AT_ONCE_EVERY_MS - clock.bootMs();
    if (waitMs > 0) {
      cancel = timers.after(waitMs, () => {
        cancel = undefined;
        consider();
      });
      return;
    }
    lastMs = clock.bootMs();
    for (const report of news) tell(report);
  };
  const tell = (report: Latest): void => {
    report.isTold = true;
    keep(report.values);
    const sample = sampleOf(device, report.bootMs, (channel) => report.values.get(channel) ?? missing("unchanged"));
    for (const listener of listeners) listener(sample);
  };
  return {
    consider,
    onReport: (listener: (sample: Sample) => void): void => void listeners.push(listener),
    told: ({ values }: Sample): void =>
      keep(device.channels.map(({ name }, at) => [name, values[at] ?? missing("malformed")] as const)),
    close: (): void => cancel?.(),
  };
}

const isSilence = ({ missing: reason }: { readonly missing: string }): boolean =>
  reason === "timeout" || reason === "port-absent";

const isSame = (a: ChannelValue, b: ChannelValue): boolean =>
  isMissing(a) ? isMissing(b) && a.missing === b.missing && a.code === b.code : a === b;

/** How the device's alarms would be decided, as a text to compare. */
function verdicts(device: ReportingDevice, values: ChannelValues): string {
  const sample = sampleOf(device, 0, (channel) => values.get(channel) ?? missing("malformed"));
  const valueOf = valuesMeantBy(device, sample);
  return device.alarms.map(({ when, until }) => `${when.test(valueOf)} ${until?.test(valueOf)}`).join();
}
