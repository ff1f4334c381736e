/**
 * What the cloud may change of a station that runs, beside the settings of its hardware: how a device is asked, what is
 * kept of it, and how that is sent. Whatever is left out is as the files say (DESIGN: file < cloud, null falls back).
 */
import type { UploadWindow } from "./wire/upload-windows.ts";

export interface DeviceTuning {
  readonly everyMs?: number;
  /** While the condition of `faster:` holds. */
  readonly fasterMs?: number;
  readonly heartbeatMs?: number;
  /** Length of the windows of `aggregate:`. */
  readonly windowMs?: number;
  /** 0 to 1: readings must cover this share of such a window. */
  readonly windowAtLeast?: number;
  /** By channel, in its unit. */
  readonly smallChange?: ReadonlyMap<string, number>;
  /** By rate of change. */
  readonly rateOverMs?: ReadonlyMap<string, number>;
  /** By channel, then by the number's name ("clamp-low", step-numbers.ts): times in ms, else in the channel's unit. */
  readonly steps?: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** By alarm. */
  readonly alarms?: ReadonlyMap<string, AlarmTuning>;
}

export interface AlarmTuning {
  readonly forMs?: number;
  /** Limits of its conditions by their place among them, counted from 0. */
  readonly when?: ReadonlyMap<number, number>;
  readonly until?: ReadonlyMap<number, number>;
}

export interface UploadPolicy {
  readonly intervalMs?: number;
  /** An empty list: at any hour. */
  readonly windows?: readonly UploadWindow[];
  readonly budgetBytes?: number;
  /** ms, or learned. */
  readonly keepAlive?: "learn" | number;
  readonly connection?: "by-cost" | "standing";
  readonly commitIntervalMs?: number;
}

/** Whether the link bears what was changed: asked for while settings that can cut it are on trial. */
export interface LinkProof {
  /** Messages that the cloud has acknowledged since the process started. */
  readonly acknowledged: number;
  /** There is nothing that could be acknowledged. */
  readonly isNothingWaiting: boolean;
  /** Messages may go at this hour. */
  readonly isOpen: boolean;
}
