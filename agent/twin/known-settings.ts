/**
 * Every setting of the station itself that the cloud may set, in one table: its name in the twin, range, default, what it
 * does. Settings of a device's hardware are not here: its description declares them.
 *
 *   upload: { NAME: value }                         of the station; default: agent.yaml
 *   devices: { pump: { NAME: value } }              of a device; default: station.yaml and the device's file
 *   live: { every, until }, description: { url, … } objects that are set as a whole
 *
 * A name in capitals stands for each one of a device: median-CHANNEL, alarm-ALARM-for. A value is answered in the words in
 * which it was asked for. null: the file's again. docs/cloud-settings.md and the DTDL model are made of this table.
 */
import { keptChannels } from "@pump-station/sensor-descriptions/kept-channels.ts";
import { STEP_NUMBERS } from "@pump-station/sensor-descriptions/step-numbers.ts";
import { KEEP_ALIVE_S_MAX, KEEP_ALIVE_S_MIN } from "../limits.ts";
import { windowsFromText } from "../wire/upload-windows.ts";
import {
  ANY,
  channelOf,
  type DeviceSetting,
  type ObjectSetting,
  ofDevice,
  ofLimits,
  ofStep,
  STEP_TIME,
  type UploadSetting,
  withAlarm,
  withEntry,
} from "./setting-rows.ts";
import { DAY_S, ofSeconds } from "./setting-shape.ts";

export const UPLOAD_SETTINGS: readonly UploadSetting[] = [
  {
    name: "interval",
    shape: ofSeconds(1, DAY_S),
    describe: "how often readings are sent",
    file: "`upload-interval:` of agent.yaml",
    isOnTrial: false,
    into: (value) => ({ intervalMs: Number(value) * 1000 }),
  },
  {
    name: "windows",
    shape: { kind: "upload-windows" },
    describe: "hours at which readings are sent, in the station's time zone",
    file: "`upload-windows:`",
    isOnTrial: true,
    into: (value) => ({ windows: windowsFromText(String(value)) ?? [] }),
  },
  {
    name: "budget",
    shape: { kind: "number", low: 1, high: 1_000_000, unit: "MB/month" },
    describe: "bytes of the network interface; what is done without to stay below, economy says",
    file: "`budget:`",
    isOnTrial: true,
    into: (value) => ({ budgetBytes: Number(value) * 1e6 }),
  },
  {
    name: "keep-alive",
    shape: ofSeconds(KEEP_ALIVE_S_MIN, KEEP_ALIVE_S_MAX, "learn"),
    describe: "after so much silence the connection is pinged; learn: as long as the network bears",
    file: "`keep-alive:`",
    isOnTrial: true,
    into: (value) => ({ keepAlive: value === "learn" ? "learn" : Number(value) * 1000 }),
  },
  {
    name: "connection",
    shape: { kind: "choice", choices: ["by-cost", "standing"] },
    describe: "whether the connection is left between uploads where that is cheaper",
    file: "`connection:`",
    isOnTrial: true,
    into: (value) => ({ connection: value === "standing" ? "standing" : "by-cost" }),
  },
  {
    name: "commit-interval",
    shape: ofSeconds(0.1, 600),
    describe: "what a power cut may cost; longer spares the flash",
    file: "`commit-interval:`",
    isOnTrial: false,
    into: (value) => ({ commitIntervalMs: Number(value) * 1000 }),
  },
];

/** Of `live`, in seconds. */
export const LIVE_EVERY = ofSeconds(1, 600);

export const OBJECT_SETTINGS = {
  live: {
    name: "live",
    describe: "uploads every so many seconds until then, at most 30 min ahead",
    file: "nobody watches",
    fields: [
      { name: "every", is: "number" },
      { name: "until", is: "time" },
    ],
  },
  description: {
    name: "description",
    describe: "another description: signed, downloaded, tried in place of the one that runs",
    file: "the one on site",
    fields: [
      { name: "url", is: "text" },
      { name: "sha256", is: "text" },
      { name: "signature", is: "text" },
      { name: "based-on", is: "text" },
      { name: "hash", is: "text" },
      { name: "version", is: "text" },
      { name: "urgent", is: "yes or no" },
    ],
  },
} as const satisfies Readonly<Record<string, ObjectSetting>>;

export const DEVICE_SETTINGS: readonly DeviceSetting[] = [
  ofDevice({
    name: "every",
    shape: ofSeconds(0.1, DAY_S),
    describe: "how often the device is asked",
    file: "`every:`",
    own: ({ everyMs }) => everyMs / 1000,
    into: (tuning, value) => ({ ...tuning, everyMs: value * 1000 }),
  }),
  ofDevice({
    name: "faster",
    shape: ofSeconds(0.1, DAY_S),
    describe: "how often it is asked while the condition of its `faster:` holds",
    file: "`every:` in `faster:`",
    own: ({ faster }) => faster && faster.everyMs / 1000,
    into: (tuning, value) => ({ ...tuning, fasterMs: value * 1000 }),
  }),
  ofDevice({
    name: "heartbeat",
    shape: ofSeconds(1, 7 * DAY_S),
    describe:
      "one whole reading is kept at least this often, however little changes (where there is a `small-change:`)",
    file: "`heartbeat:`",
    own: ({ heartbeatMs, smallChange }) => (smallChange.size > 0 ? heartbeatMs / 1000 : undefined),
    into: (tuning, value) => ({ ...tuning, heartbeatMs: value * 1000 }),
  }),
  ofDevice({
    name: "window",
    shape: ofSeconds(1, DAY_S),
    describe: "length of the windows of its `aggregate:`",
    file: "`every:` in `aggregate:`",
    own: ({ aggregate }) => aggregate && aggregate.everyMs / 1000,
    into: (tuning, value) => ({ ...tuning, windowMs: value * 1000 }),
  }),
  ofDevice({
    name: "window-at-least",
    shape: { kind: "number", low: 0, high: 100, unit: "%" },
    describe: "readings must cover at least this share of a window",
    file: "`at-least:` in `aggregate:`",
    own: ({ aggregate }) => aggregate?.atLeast && aggregate.atLeast * 100,
    into: (tuning, value) => ({ ...tuning, windowAtLeast: value / 100 }),
  }),
  {
    name: "small-change-CHANNEL",
    values: "in the channel's unit, 0 or more",
    describe: "readings that differ less from the last one kept are not kept",
    file: "`small-change:`",
    on: (device) =>
      [...device.smallChange].map(([channel, own]) => ({
        key: `small-change-${channel}`,
        describe: "readings that differ less from the last one kept are not kept",
        own,
        shape: { kind: "number", low: 0, high: ANY.high, unit: channelOf(keptChannels(device), channel)?.unit ?? "" },
        into: (tuning, value) => ({ ...tuning, smallChange: withEntry(tuning.smallChange, channel, value) }),
      })),
  },
  ...STEP_NUMBERS.map(ofStep),
  {
    name: "rate-over-RATE",
    values: `seconds, ${STEP_TIME.low} to ${STEP_TIME.high}`,
    describe: "the time over which a rate of change is taken",
    file: "`over` in `rate-of-change:`",
    on: (device) =>
      (device.rates ?? []).map(({ name, overMs }) => ({
        key: `rate-over-${name}`,
        describe: "the time over which a rate of change is taken",
        own: overMs / 1000,
        shape: STEP_TIME,
        into: (tuning, value) => ({ ...tuning, rateOverMs: withEntry(tuning.rateOverMs, name, value * 1000) }),
      })),
  },
  ofLimits("when"),
  ofLimits("until"),
  {
    name: "alarm-ALARM-for",
    values: `seconds, 0 to ${DAY_S}`,
    describe: "the alarm's `when:` must hold this long first",
    file: "`for:` of the alarm, else 0",
    on: ({ alarms }) =>
      alarms.map(({ name, forMs }) => ({
        key: `alarm-${name}-for`,
        describe: "the alarm's when: must hold this long first",
        own: forMs / 1000,
        shape: ofSeconds(0, DAY_S),
        into: (tuning, value) => withAlarm(tuning, name, { forMs: value * 1000 }),
      })),
  },
];
