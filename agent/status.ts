/** What a running agent says of itself: the control socket's `status` and `read`, printed by the command line. */
import type { BufferStatus } from "./buffer/buffer.ts";
import type { AuditEntry } from "./commands/audit.ts";
import type { OnSiteStatus } from "./commands/on-site.ts";
import type { CommitPace } from "./flash.ts";
import type { DescriptionStatus } from "./going-live/status.ts";
import type { IdentityStatus } from "./identity/status.ts";
import type { SettingStatus } from "./twin/status.ts";
import type { AccountStatus } from "./uplink/month-account.ts";
import type { UplinkStatus } from "./uplink/uplink.ts";

export interface DeviceStatus {
  readonly device: string;
  readonly type: string;
  readonly everyMs: number;
  readonly paused?: string;
  /** "good", a missing reason when the newest sample has no value at all, or "waiting" before the first. */
  readonly health: string;
  readonly ageMs: number | null;
  readonly polls: number;
  readonly failures: number;
  readonly lastError?: string;
  /** What the device says of itself (serial number, firmware), by name. */
  readonly info?: Readonly<Record<string, string>>;
  /** What a technician should know although it works. */
  readonly notes?: readonly string[];
}

export interface AgentStatus {
  readonly station: string;
  readonly version: string;
  readonly uptimeMs: number;
  readonly description: DescriptionStatus;
  readonly devices: readonly DeviceStatus[];
  readonly buffer: BufferStatus;
  /** How often readings are made durable, by the configuration and on which medium; older agents don't say. */
  readonly commits?: CommitPace;
  readonly cloud: string;
  readonly identity?: IdentityStatus;
  readonly uplink: UplinkStatus;
  readonly month: AccountStatus;
  readonly activeAlarms: readonly string[];
  /** By the clock of the agent, ms since 1970: ages are counted from it. */
  readonly now: number;
  /** Nobody vouches for the clock: readings get their time later. Left out when somebody does. */
  readonly isClockUnset?: true;
  readonly settings: readonly SettingStatus[];
  /** Left out when nobody is on site. */
  readonly onSite?: OnSiteStatus;
  /** Commands from the cloud, newest first; all of them: `pump-station audit`. */
  readonly commands: readonly AuditEntry[];
  /** In which a person on site reads times. */
  readonly timeZone?: string;
  readonly process: { readonly rssBytes: number; readonly cpuMs: number };
}

/** A port that the running description has, and who is asked there; empty: all are paused, and nobody has it open. */
export interface HeldPort {
  readonly name: string;
  readonly kind: "serial" | "i2c" | "gpio" | "counter";
  readonly path: string;
  readonly simulator?: string;
  readonly devices: readonly string[];
}

export interface LiveValue {
  readonly device: string;
  readonly channel: string;
  readonly unit: string;
  /** A number, a state's name, or null with the reason. */
  readonly value: number | string | null;
  readonly missing?: string;
  readonly ageMs: number;
  /** "good", "stale" (older than three intervals), "waiting" (of a window that hasn't ended), or why there is no value. */
  readonly quality: string;
}
