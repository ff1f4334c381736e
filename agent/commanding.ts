/** Joins commands, their audit and on-site mode with what they act on; `agent.ts` passes the steps. */
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { type Audit, type AuditEntry, createAudit } from "./commands/audit.ts";
import { type Commands, createCommands } from "./commands/commands.ts";
import { type DiagnosticsDeps, diagnosticsFile } from "./commands/diagnostics.ts";
import { durationMs } from "./commands/duration.ts";
import { createFileSender, type FileSender } from "./commands/file-sender.ts";
import { createOnSite, type OnSite } from "./commands/on-site.ts";
import { createOnSiteKeys } from "./commands/on-site-key.ts";
import { createPlan, type PlanDeps } from "./commands/plan.ts";
import { createStationRuns, type StationRunDeps } from "./commands/station.ts";
import type { ControlHandler } from "./control/control.ts";
import { ON_SITE_MS_MAX, ON_SITE_MS_MIN } from "./limits.ts";
import { type AlarmTransition, isMissing, type Sample } from "./reading.ts";
import type { StateStore } from "./state/state-store.ts";
import type { ZoneOffset } from "./time-zone/time-zone.ts";
import { STATION_EVENTS } from "./wire/messages.ts";
import type { Clock, Files, Log, Timers } from "./world.ts";

export interface Commanding {
  readonly call: Commands;
  readonly onSite: OnSite;
  readonly audit: Audit;
  readonly files: FileSender;
  /** Of this moment, packed. */
  diagnostics(): Promise<Uint8Array>;
  /** Takes up what the last process knew; events may be told from now on. */
  start(): void;
  /** A sample, as meant: that of a key switch may begin on-site mode, or end it. */
  took(device: Device, sample: Sample): void;
  /** An alarm as it is while somebody is on site: as grave as ever, and marked. */
  marked(transition: AlarmTransition): AlarmTransition;
}

export type CommandingDeps = Omit<StationRunDeps, "onSite" | "diagnostics" | "fileBytesMax" | "send"> &
  Pick<PlanDeps, "station" | "device"> &
  Omit<DiagnosticsDeps, "audit" | "log"> & {
    /** The newest records of the log. */
    readonly recentLog: () => readonly string[];
    readonly clock: Clock;
    readonly timers: Timers;
    readonly log: Log;
    readonly state: StateStore;
    readonly files: Files;
    /** Where a file lies that is being sent. */
    readonly filePath: string;
    /** Default: ICU's. */
    readonly zoneOffset?: ZoneOffset;
    /** Into the stream of alarms and events. */
    readonly tell: (event: AlarmTransition) => void;
    /** What is reported of on-site mode has changed. */
    readonly onChange: () => void;
  };

export function createCommanding(deps: CommandingDeps): Commanding {
  const { clock, state } = deps;
  const tell = (what: "on-site" | "command", active: boolean, because: string): void =>
    deps.tell({ device: STATION_EVENTS, alarm: what, severity: "info", active, because, bootMs: clock.bootMs() });
  const onSite = createOnSite({
    ...deps,
    file: state.document("on-site"),
    timeZone: () => deps.station().timeZone,
    onChange: (isOnSite, because) => {
      tell("on-site", isOnSite, because);
      deps.onChange();
    },
  });
  const keys = createOnSiteKeys({ ...deps, onSite, document: state.document("on-site-keys") });
  const audit = createAudit({ ...deps, file: (name) => state.document(name) });
  const files = createFileSender({ ...deps, document: state.document("file-sending"), path: deps.filePath });
  const diagnostics = (bytesMax?: number) =>
    diagnosticsFile({ ...deps, audit: () => audit.list(), log: deps.recentLog }, bytesMax);
  const runs = createStationRuns({
    ...deps,
    ...{ onSite, diagnostics },
    fileBytesMax: (name) => files.bytesMax(name),
    send: (name, bytes) => files.send(name, bytes),
  });
  const plan = createPlan({ ...deps, runs, obstacle: () => onSite.obstacle() });
  return {
    call: createCommands({ ...deps, audit, plan, onEnded: (entry) => tell("command", false, inWords(entry)) }),
    onSite,
    audit,
    files,
    diagnostics,
    start: () => onSite.resume(),
    took: (device, sample) => {
      if (device.onSite) keys(device, device.onSite.when.test(valueIn(device, sample)));
    },
    marked: (transition) => (onSite.now() ? { ...transition, onSite: true } : transition),
  };
}

/** What the control socket answers of commands: who is at the station, and what the cloud asked for. */
export const commandHandlers = ({
  onSite,
  audit,
  ...commanding
}: Commanding): Readonly<Record<string, ControlHandler>> => ({
  onsite: ({ for: given, end }) => {
    const text = typeof given === "string" ? given : "";
    const ms = durationMs(text);
    if (given !== undefined && (ms === undefined || ms < ON_SITE_MS_MIN || ms > ON_SITE_MS_MAX))
      throw new Error(`onsite "${text.slice(0, 20)}": write how long like 30min or 2h, from 1min to 24h`);
    if (end === true) onSite.end("ended at the station");
    const isKept = ms === undefined || onSite.begin(ms, "here", true);
    return { onSite: onSite.now() ?? null, isKept };
  },
  audit: () => audit.list(),
  diagnostics: async () => Buffer.from(await commanding.diagnostics()).toString("base64"),
});

/** Of a sample that is corrected already; undefined where there is no value. */
const valueIn =
  ({ channels }: Device, { values }: Sample) =>
  (name: string): number | undefined => {
    const value = values[channels.findIndex((channel) => channel.name === name)];
    return value === undefined || isMissing(value) ? undefined : value;
  };

const inWords = ({ id, device, command, by, status, text }: AuditEntry): string => {
  const what = device === undefined ? command : `${device} ${command}`;
  return `${what}${by === undefined ? "" : `, asked by ${by}`} (${id}): ${status ?? "?"} ${text ?? ""}`;
};
