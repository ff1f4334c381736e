/** What a running agent knows of a device's newest bytes, and of the way of its newest values: the ask `explain`. */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { spokenBytes } from "@pump-station/sensor-descriptions/quantities.ts";
import type { SampleBuffer, StreamPlace } from "./buffer/buffer.ts";
import type { AlarmState } from "./preprocess/alarms.ts";
import { type ChannelWay, wayOf } from "./preprocess/way.ts";
import type { RunningStation } from "./running-station.ts";
import type { Transferred } from "./source/traffic.ts";
import type { UplinkStatus } from "./uplink/uplink.ts";
import type { Clock } from "./world.ts";

/** Bytes as "55 AA 01", so that it passes as JSON. */
export interface LiveExplanation {
  readonly device: string;
  readonly type: string;
  /** Of the description that runs. */
  readonly hash: string;
  readonly paused?: string;
  readonly exchanges: readonly {
    readonly what: string;
    readonly ageMs: number;
    readonly sent: string;
    readonly heard: string;
    readonly ended: string;
  }[];
  readonly transfers?: {
    readonly ageMs: number;
    readonly transfers: readonly { readonly write: string; readonly read: string; readonly failed?: string }[];
  };
  readonly pulses?: {
    readonly ageMs: number;
    readonly total: number;
    readonly since: number;
    readonly sinceMs: number;
  };
  readonly level?: { readonly ageMs: number; readonly level: 0 | 1 };
  readonly way?: { readonly ageMs: number; readonly channels: readonly ChannelWay[] };
  readonly stored: StreamPlace & { readonly epoch: string };
  readonly upload: { readonly lane: string; readonly inMs: number; readonly isConnected: boolean };
  readonly alarms: readonly AlarmState[];
}

export interface ExplainParts {
  readonly clock: Clock;
  readonly station: Station;
  readonly running: RunningStation | undefined;
  readonly buffer: SampleBuffer;
  readonly uplink: UplinkStatus;
}

/** Throws Error that names the devices that there are. */
export function explainDevice(parts: ExplainParts, name: string | undefined): LiveExplanation {
  const { clock, station, running, buffer, uplink } = parts;
  const device = station.devices.find((one) => one.name === name);
  if (!device)
    throw new Error(
      `there is no device "${name ?? ""}"; there are: ${station.devices.map((one) => one.name).join(", ")}`,
    );
  const nowMs = clock.bootMs();
  const way = running?.way(device.name);
  const trace = way?.trace;
  return {
    device: device.name,
    type: device.type,
    hash: station.hash,
    ...(device.paused === undefined ? {} : { paused: device.paused }),
    ...trafficOf(device, running, nowMs),
    ...(trace ? { way: { ageMs: Math.round(nowMs - trace.read.bootMs), channels: wayOf(device, trace, nowMs) } } : {}),
    stored: { ...buffer.place(device.name), epoch: buffer.epoch },
    upload: {
      lane: "normal",
      inMs: Math.max(0, Math.round(uplink.nextAt - clock.wallMs())),
      isConnected: uplink.connected,
    },
    alarms: way?.alarms ?? [],
  };
}

type Traffic = Pick<LiveExplanation, "exchanges" | "transfers" | "pulses" | "level">;

function trafficOf(device: Device, running: RunningStation | undefined, nowMs: number): Traffic {
  const traffic = running?.sources.get(device.name)?.traffic();
  const age = (bootMs: number): number => Math.round(nowMs - bootMs);
  const { transfers, pulses, level } = traffic ?? {};
  return {
    exchanges: (traffic?.exchanges ?? []).map(({ what, sent, heard, bootMs, ended }) => ({
      what,
      ageMs: age(bootMs),
      sent: spokenBytes(sent),
      heard: spokenBytes(heard),
      ended,
    })),
    ...(transfers
      ? {
          transfers: {
            ageMs: age(transfers.bootMs),
            transfers: [...transfers.prepared, ...transfers.measured].map(inHex),
          },
        }
      : {}),
    ...(pulses
      ? { pulses: { ageMs: age(pulses.bootMs), total: pulses.total, since: pulses.since, sinceMs: pulses.sinceMs } }
      : {}),
    ...(level ? { level: { ageMs: age(level.bootMs), level: level.level } } : {}),
  };
}

const inHex = ({ write, read, failed }: Transferred) => ({
  write: spokenBytes(write),
  read: spokenBytes(read),
  ...(failed === undefined ? {} : { failed }),
});
