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
  /** By channel, in its unit. */
  readonly smallChange?: ReadonlyMap<string, number>;
  /** By channel. */
  readonly throttleMs?: ReadonlyMap<string, number>;
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
