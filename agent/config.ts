/**
 * agent.yaml: which station this is, which cloud, where data lies, names of credentials. Wiring is not here (station.yaml).
 *
 *   format: 1
 *   station: demo-lake                       # the cloud's device id
 *   description: /etc/pump-station/station.yaml
 *   devices: [/etc/pump-station/devices]     # own device files, before the catalogue
 *   data: /var/lib/pump-station
 *   cloud: mqtts://bridge.example:8883       # or aws-iot-core://abc-ats.iot.eu-central-1.amazonaws.com[?shadow=NAME]
 *   ca: /etc/pump-station/ca.pem             # trust only this authority; without it the system's
 *   user: demo-lake                          # default: the station
 *   mqtt-version: 3.1.1                      # or: 5 (says properties twice, and why a broker refuses); falls back to 3.1.1
 *   password-file: mqtt-password             # a path, or a name in systemd's $CREDENTIALS_DIRECTORY
 *   access-key-file: azure-key               # Azure: the device's key or connection string, or its enrolment group's key
 *   access-key-of: device                    # or: group, for a provisioning service (azure-dps://…)
 *   token-life: 24h                          # Azure with an access key: how long one connection may last at most
 *   certificate-file: station.pem            # who the station is, where certificates say it; with the intermediate ones
 *   private-key-file: station.key            # a path, or a name among the credentials
 *   trusted-keys: trusted-keys               # a folder; *.pub files in it may sign descriptions that the cloud sends
 *   downloads: tls-only                      # or: plain-too (they are signed, but whoever listens may read them)
 *   claim-certificate-file: claim.pem        # AWS fleet provisioning: the board makes its key itself, and shows a series' claim
 *   claim-private-key-file: claim.key        # a path, or a name among the credentials
 *   provisioning-template: pump-stations     # the template in the account
 *   provisioning-parameters: { ThingName: "{station}", SerialNumber: "{serial}" }    # what the template is given
 *   enrolment-token-file: enrolment-token    # instead: the board makes its key itself; pump-station-bridge station token
 *   upload-interval: 15min
 *   upload-windows:                          # only then, in the station's time zone; alarms go at once
 *     - { days: [sat, sun], from: "02:30", to: "05:00" }
 *   keep-alive: learn                        # or a time, 5min: a silent connection is pinged after it
 *   connection: by-cost                      # or: standing (never leaves between uploads, whatever it costs)
 *   budget: 50 MB/month                      # all bytes of the interface; what is done without then, `status` says
 *   network-interface: wwan0                 # where they are counted; without it where the default route goes
 *   commit-interval: by-flash                # what a power cut may cost: 60s on SD cards, sticks and raw NAND, else 10s;
 *                                            # or a time
 *   trial-window: 2min                       # a changed description is tried at least this long before it is kept
 *   buffer: 128 MB
 *   body: tight                              # where it is shorter; or: open, which any CBOR and zlib library reads, at a third more bytes
 *   when-full: oldest-first                  # or: thin-out (the older half of what waits becomes averages)
 *   thin-out-to: 10min                       # averages of this window first; of 6 and 36 of them when that won't do
 *   trust-clock: when-synchronised           # or: always (machines whose clock somebody else keeps)
 *   clock-set-file: /run/pump-station/clock-set  # touched by whoever sets the clock otherwise: modem's network time, GPS
 *   control: /run/pump-station/control.sock
 *   poll: by-description                     # or: full-speed (replays and benchmarks)
 *   log: info
 */
import { convert } from "@pump-station/sensor-descriptions/units.ts";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import * as z from "zod";
import { ADDRESS_ADVICE, type CloudAddress, readCloudAddress } from "./cloud/address.ts";
import {
  BUFFER_BYTES_DEFAULT,
  KEEP_ALIVE_S_MAX,
  KEEP_ALIVE_S_MIN,
  THIN_TO_MS_DEFAULT,
  TRIAL_MAX_MS,
  TRIAL_MIN_MS,
} from "./limits.ts";
import { DAYS } from "./uplink/windows.ts";
import { STATION_NAME } from "./wire/topics.ts";

const duration = (fallbackMs: number, low: number, high: number) =>
  z
    .string()
    .transform((text, context) => {
      const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(text.trim()) ?? [];
      const ms = number === undefined || unit === undefined ? undefined : convert(Number(number), unit, "ms");
      if (ms === undefined) context.addIssue(`"${text}" is no duration; write it like 10s, 15min or 1h`);
      else if (ms < low || ms > high) context.addIssue(`${text} is outside ${low / 1000} s to ${high / 1000} s`);
      return ms ?? fallbackMs;
    })
    .default(fallbackMs);

const BYTES: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9 };
const byteCount = z
  .string()
  .transform((text, context) => {
    const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(kB|MB|GB)$/.exec(text.trim()) ?? [];
    const bytes = Math.round(Number(number) * (BYTES[unit ?? ""] ?? Number.NaN));
    if (!Number.isFinite(bytes)) context.addIssue(`"${text}" is no size; write it like 128 MB`);
    else if (bytes < 1e6) context.addIssue("the buffer needs at least 1 MB");
    return bytes;
  })
  .default(BUFFER_BYTES_DEFAULT);

/** Bytes; the least that a station needs for its alarms and a day's averages. */
const BUDGET_BYTES_MIN = 1e6;
const budget = z.string().transform((text, context) => {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(kB|MB|GB)\s*\/\s*month$/.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(number) * (BYTES[unit ?? ""] ?? Number.NaN));
  if (!Number.isFinite(bytes)) context.addIssue(`"${text}" is no budget; write it like 50 MB/month`);
  else if (bytes < BUDGET_BYTES_MIN) context.addIssue("a station needs at least 1 MB/month");
  return bytes;
});
const networkInterface = z.string().regex(/^[A-Za-z0-9_.:-]{1,15}$/, "write it as in /sys/class/net, like wwan0");
const keepAlive = z.union([z.literal("learn"), duration(60_000, KEEP_ALIVE_S_MIN * 1_000, KEEP_ALIVE_S_MAX * 1_000)]);

const commitInterval = z.union([z.literal("by-flash"), duration(10_000, 100, 600_000)]);

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'write it like "02:30"');
const uploadWindow = z.strictObject({ days: z.array(z.enum(DAYS)).min(1).optional(), from: timeOfDay, to: timeOfDay });

const cloudAddress = z.string().transform((text, context): CloudAddress => {
  const address = readCloudAddress(text);
  if (!address) context.addIssue(ADDRESS_ADVICE);
  return address ?? { text, dialect: "mqtt", url: text };
});

const lines = z.strictObject({
  format: z.literal(1, "this agent reads format: 1"),
  station: z.string().regex(STATION_NAME, "lower-case letters, digits and hyphens, at most 64"),
  description: z.string().min(1),
  devices: z.array(z.string().min(1)).default([]),
  data: z.string().min(1),
  cloud: cloudAddress,
  ca: z.string().optional(),
  user: z.string().optional(),
  "mqtt-version": z.enum(["3.1.1", "5"]).default("3.1.1"),
  "password-file": z.string().optional(),
  "access-key-file": z.string().min(1).optional(),
  "access-key-of": z.enum(["device", "group"]).default("device"),
  "token-life": duration(86_400_000, 600_000, 30 * 86_400_000),
  "certificate-file": z.string().optional(),
  "private-key-file": z.string().optional(),
  "trusted-keys": z.string().min(1).default("trusted-keys"),
  downloads: z.enum(["tls-only", "plain-too"]).default("tls-only"),
  "enrolment-token-file": z.string().optional(),
  "claim-certificate-file": z.string().min(1).optional(),
  "claim-private-key-file": z.string().min(1).optional(),
  "provisioning-template": z
    .string()
    .regex(/^[0-9A-Za-z_-]{1,36}$/, "a template's name has letters, digits, - and _, at most 36")
    .optional(),
  "provisioning-parameters": z
    .record(z.string().min(1), z.string())
    .default({ ThingName: "{station}", SerialNumber: "{serial}" }),
  "upload-interval": duration(900_000, 1_000, 86_400_000),
  "upload-windows": z.array(uploadWindow).optional(),
  "keep-alive": keepAlive.default("learn"),
  connection: z.enum(["by-cost", "standing"]).default("by-cost"),
  budget: budget.optional(),
  "network-interface": networkInterface.optional(),
  "commit-interval": commitInterval.default("by-flash"),
  "trial-window": duration(TRIAL_MIN_MS, 1_000, TRIAL_MAX_MS),
  buffer: byteCount,
  body: z.enum(["tight", "open"]).default("tight"),
  "when-full": z.enum(["oldest-first", "thin-out"]).default("oldest-first"),
  "thin-out-to": duration(THIN_TO_MS_DEFAULT, 60_000, 3_600_000),
  "trust-clock": z.enum(["when-synchronised", "always"]).default("when-synchronised"),
  "clock-set-file": z.string().min(1).optional(),
  control: z.string().default("/run/pump-station/control.sock"),
  poll: z.enum(["by-description", "full-speed"]).default("by-description"),
  log: z.enum(["debug", "info", "warn", "error"]).default("info"),
});

const NO_CERTIFICATE =
  "AWS IoT Core knows a station by its certificate: give certificate-file and private-key-file, or claim-certificate-file, claim-private-key-file and provisioning-template";
const CLAIM = ["claim-certificate-file", "claim-private-key-file", "provisioning-template"] as const;
/** What one line asks of another. */
const shape = lines.superRefine((config, context) => {
  const { dialect } = config.cloud;
  const isAzure = dialect === "azure-iot-hub" || dialect === "azure-dps";
  const problem = (key: keyof typeof config, message: string): void =>
    context.addIssue({ code: "custom", path: [key], message });
  const key = config["access-key-file"];
  if (!isAzure && key !== undefined)
    problem("access-key-file", "only Azure takes an access key; MQTT takes password-file");
  const claim = CLAIM.filter((name) => config[name] !== undefined);
  const [first] = claim;
  const missing = CLAIM.filter((name) => config[name] === undefined);
  if (first && dialect !== "aws-iot-core") problem(first, "only AWS IoT Core has fleet provisioning");
  else if (first && missing.length > 0)
    problem(first, `${CLAIM.join(", ")} go together: ${missing.join(", ")} is missing`);
  else if (first && config["certificate-file"] !== undefined)
    problem(first, "this station has a certificate-file already; give one of the two");
  if (dialect === "aws-iot-core" && config["certificate-file"] === undefined && !first)
    problem("cloud", NO_CERTIFICATE);
  if (!isAzure) return;
  if (key === undefined && config["certificate-file"] === undefined)
    problem("cloud", "Azure asks who this station is: add access-key-file, or certificate-file and private-key-file");
  if (key !== undefined && config["certificate-file"] !== undefined)
    problem("access-key-file", "give an access key or a certificate, not both");
  for (const name of ["user", "password-file"] as const)
    if (config[name] !== undefined) problem(name, "Azure takes access-key-file or certificate-file instead");
  if (config["access-key-of"] === "group" && dialect !== "azure-dps")
    problem("access-key-of", "the key of a group opens only a provisioning service, azure-dps://…");
});

export type AgentConfig = z.output<typeof shape>;

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Throws ConfigError that lists every problem as file:line:column. */
export function parseConfig(path: string, text: string): AgentConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, schema: "failsafe", prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map((error) => `${at(error.pos[0])} ${error.message}`).join("\n"));
  }
  const value = plainValue(document, path);
  // The failsafe schema leaves every scalar the text that was written; only `format` is a number.
  const parsed = shape.safeParse(isRecord(value) && value["format"] === "1" ? { ...value, format: 1 } : value);
  if (parsed.success) return parsed.data;
  const offsetOf = (keys: readonly PropertyKey[]): number => {
    if (!isMap(document.contents)) return 0;
    const pair = document.contents.items.find((item) => isScalar(item.key) && item.key.value === keys[0]);
    return (pair && isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? 0;
  };
  throw new ConfigError(
    parsed.error.issues
      .map((issue) => {
        const unknown = issue.code === "unrecognized_keys" ? issue.keys : undefined;
        const place = at(offsetOf(unknown ?? issue.path));
        const key = unknown?.join(", ") ?? issue.path.join(".");
        return `${place} ${key ? `"${key}": ` : ""}${unknown ? "unknown key" : wordsOf(issue)}`;
      })
      .join("\n"),
  );
}

/** zod's own words for a line that isn't there are for programmers. */
const wordsOf = (issue: z.core.$ZodIssue): string =>
  issue.message.endsWith("received undefined") ? "this line is missing" : issue.message;

/** An alias could make a small file large; this file has no use for them. */
function plainValue(document: ReturnType<typeof parseDocument>, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw new ConfigError(`${path}:1:1 aliases (*name) can't be used here: ${String(error)}`);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
