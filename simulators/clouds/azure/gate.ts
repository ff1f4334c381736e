/**
 * Throttles and the daily quota, asked before each operation. Azure first shapes traffic (operations wait their turn),
 * then says 429. Telemetry has no answer in MQTT 3.1.1 that could say no, so there the connection ends; so it does for
 * who is told 429 again and again (Azure's 429002). How long Azure shapes isn't documented: the two bounds below are ours.
 */
import type { Operation } from "./faults.ts";
import { createMeter, type Usage } from "./metering.ts";
import { type Allowance, allowanceOf, type Rates, type Tier } from "./tiers.ts";

export type Verdict =
  | { readonly go: "now" }
  | { readonly go: "later"; readonly ms: number }
  | { readonly go: "refuse"; readonly status: 403 | 429; readonly reason: string }
  | { readonly go: "close"; readonly reason: string };

export interface Gate {
  /** undefined, or why there may be no new connection just now. */
  connect(): string | undefined;
  pass(device: string, on: Operation, bytes: number): Verdict;
  /** What the hub sends by itself, or does for a service; false when rate or quota don't allow it. */
  send(device: string, on: "desired" | "method" | "cloud-to-device", bytes: number): boolean;
  /** Other rates than the tier's; what is left out stays. */
  setRates(rates: Partial<Rates>): void;
  /** As if so many messages had been sent today. */
  useUp(messages: number): void;
  usage(): Usage;
}

/** An operation that would wait longer than this is refused. */
const SHAPING_MS_MAX = 2_000;
const REFUSED_IN_A_ROW_MAX = 10;

export interface GateConfig {
  readonly tier: Tier;
  readonly units: number;
  readonly rates?: Partial<Rates>;
}

export function createGate(
  nowMs: { readonly wall: () => number; readonly boot: () => number },
  config: GateConfig,
): Gate {
  const allowance: Allowance = allowanceOf(config.tier, config.units);
  const meter = createMeter(nowMs.wall, allowance);
  const refused = new Map<string, number>();
  let buckets = bucketsFor({ ...allowance.rates, ...config.rates }, nowMs.boot);
  let rates: Rates = { ...allowance.rates, ...config.rates };

  const throttled = (device: string, on: Operation): Verdict => {
    const times = (refused.get(device) ?? 0) + 1;
    refused.set(device, times);
    const reason = `429001: more than ${rates[on as keyof Rates]} ${on} a second at this hub`;
    if (on === "telemetry") return { go: "close", reason };
    if (times > REFUSED_IN_A_ROW_MAX)
      return { go: "close", reason: `429002: refused ${times} times in a row for going too fast` };
    return { go: "refuse", status: 429, reason };
  };

  return {
    connect: () =>
      buckets.connect(1) > SHAPING_MS_MAX ? `more than ${rates.connect} connects a second at this hub` : undefined,
    pass: (device, on, bytes) => {
      if (on !== "telemetry" && on !== "twin-get" && on !== "twin-report") {
        if (on === "method-answer") meter.charge(device, on, bytes);
        return { go: "now" };
      }
      const waitMs = buckets[on](1);
      if (waitMs > SHAPING_MS_MAX) return throttled(device, on);
      refused.delete(device);
      if (!meter.charge(device, on, bytes)) {
        const reason = `403002: the day's ${allowance.messagesPerDay} messages are used up`;
        return on === "telemetry" ? { go: "close", reason } : { go: "refuse", status: 403, reason };
      }
      return waitMs > 0 ? { go: "later", ms: waitMs } : { go: "now" };
    },
    send: (device, on, bytes) => {
      const waitMs =
        on === "desired"
          ? buckets["twin-report"](1)
          : buckets[on](on === "method" ? Math.ceil(bytes / allowance.meterBytes) * allowance.meterBytes : 1);
      return waitMs <= SHAPING_MS_MAX && meter.charge(device, on, bytes);
    },
    setRates: (changed) => {
      rates = { ...rates, ...changed };
      buckets = bucketsFor(rates, nowMs.boot);
    },
    useUp: (messages) => meter.use(messages),
    usage: () => meter.usage(),
  };
}

const bucketsFor = (rates: Rates, bootMs: () => number): Record<keyof Rates, (count: number) => number> => ({
  connect: createBucket(rates.connect, bootMs),
  telemetry: createBucket(rates.telemetry, bootMs),
  "cloud-to-device": createBucket(rates["cloud-to-device"], bootMs),
  "twin-get": createBucket(rates["twin-get"], bootMs),
  "twin-report": createBucket(rates["twin-report"], bootMs),
  method: createBucket(rates.method, bootMs),
});

/**
 * Holds the tokens of one second; of a minute where Azure's rate is given by the minute (1.67 a second is 100 a minute).
 * Returns how long to wait for `count`, in ms; what would wait too long takes nothing.
 */
function createBucket(perSecond: number, bootMs: () => number): (count: number) => number {
  const holds = Math.max(1, perSecond < 10 ? perSecond * 60 : perSecond);
  let tokens = holds;
  let atMs = bootMs();
  return (count) => {
    if (perSecond <= 0) return Number.POSITIVE_INFINITY;
    const nowMs = bootMs();
    tokens = Math.min(holds, tokens + ((nowMs - atMs) / 1_000) * perSecond);
    atMs = nowMs;
    const waitMs = tokens >= count ? 0 : ((count - tokens) / perSecond) * 1_000;
    if (waitMs <= SHAPING_MS_MAX) tokens -= count;
    return waitMs;
  };
}
