/** Which reports can't wait for the next poll. */
import type { Device, SerialProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { REPORT_AT_ONCE_EVERY_MS } from "../limits.ts";
import { type ChannelValue, isMissing, missing, type Sample } from "../reading.ts";
import type { Clock, Timers } from "../world.ts";
import { valuesMeantBy } from "./newest-values.ts";
import { sampleOf } from "./sample-of.ts";

export type ReportingDevice = Device & { readonly protocol: SerialProtocol };
export type ChannelValues = ReadonlyMap<string, ChannelValue>;

/** The newest report of one read. */
export interface Latest {
  readonly values: ChannelValues;
  readonly bootMs: number;
  isTold: boolean;
}

/** Which reports are news that can't wait for the next poll; not more often than the limit says, and then the newest. */
export function createReportsAtOnce(
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
