/** `pump-station status`: is everything well? */
import { askAgent } from "../control/client.ts";
import type { AgentStatus } from "../status.ts";
import { LAST_STEP } from "../uplink/degradation.ts";
import { auditText } from "./audit.ts";
import { roomText } from "./buffer.ts";
import { type AddCommand, type CliDeps, SOCKET } from "./command.ts";
import { onSiteText } from "./onsite.ts";
import { settingLine } from "./setting-line.ts";
import { spokenBytes, spokenDuration, table } from "./table.ts";
import { trialText } from "./trial-text.ts";

export const addStatus: AddCommand = (program, deps, finish) => {
  program
    .command("status")
    .description("how the station is: description, devices, waiting readings, uplink, cloud settings")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .action((options: { control: string; json?: boolean }) =>
      finish(status(deps, { control: options.control, json: options.json ?? false })),
    );
};

export async function status(
  deps: CliDeps,
  options: { readonly control: string; readonly json: boolean },
): Promise<number> {
  const answer = (await askAgent(deps.connectControl, options.control, "status")) as AgentStatus;
  deps.out(options.json ? `${JSON.stringify(answer, null, 2)}\n` : `${statusText(answer)}\n`);
  return 0;
}

const CLOCK_UNSET = `Clock: not set yet. Readings are kept, sent and dated later; commands from the cloud are refused, upload windows count as open.
  Who sets it? timedatectl timesync-status, or: chronyc tracking`;

export function statusText(status: AgentStatus): string {
  const sections = [
    `${status.station}: running for ${spokenDuration(status.uptimeMs)}, version ${status.version}, ${spokenBytes(status.process.rssBytes)} of memory`,
    status.isClockUnset ? CLOCK_UNSET : "",
    status.onSite ? onSiteText(status.onSite) : "",
    descriptionText(status.description),
    devicesText(status),
    status.activeAlarms.length > 0 ? `Alarms: ${status.activeAlarms.join(", ")}` : "",
    bufferText(status),
    identityText(status),
    uplinkText(status),
    monthText(status),
    settingsText(status),
    commandsText(status),
  ];
  return sections.filter(Boolean).join("\n\n");
}

function descriptionText(description: AgentStatus["description"]): string {
  const { path, problems, differs } = description;
  return [
    `Description: ${path}${stateText(description)}`,
    ...problems.map((problem) => `  ${problem}`),
    ...(differs.length > 0
      ? ["  the file says differently from what runs:", ...differs.map((line) => `    ${line}`)]
      : []),
    ...verdictLines(description),
  ].join("\n");
}

function stateText({ runs, problems, differs, trial, verdict, hash }: AgentStatus["description"]): string {
  if (runs === "nothing") return problems.length > 0 ? " is broken; nothing is read" : "";
  if (runs === "file") return trial ? ` is on trial, ${trialText(trial)}` : "";
  const isRolledBack = differs.length > 0 && verdict?.outcome === "rolled-back" && verdict.hash !== hash;
  const what = isRolledBack ? "was rolled back" : differs.length > 0 ? "does not run" : "is broken";
  return ` ${what}; ${trial ? `what was saved before it is on trial, ${trialText(trial)}` : "the last good one runs"}`;
}

/** What a trial that ended well has to say, for who saved the file and left. */
function verdictLines({ runs, trial, verdict, hash }: AgentStatus["description"]): string[] {
  if (runs !== "file" || trial || verdict?.outcome !== "kept" || verdict.hash !== hash) return [];
  return [
    `  tried and kept${verdict.because.length > 0 ? ` (${verdict.because.join("; ")})` : ""}`,
    ...verdict.listed.map((line) => `    ${line}`),
  ];
}

function devicesText({ devices }: AgentStatus): string {
  const rows = indented(
    table(
      devices.map((device) => [
        device.device,
        device.type,
        `every ${spokenDuration(device.everyMs)}`,
        device.paused === undefined ? device.health : `paused: ${device.paused}`,
        device.ageMs === null ? "" : `${spokenDuration(device.ageMs)} ago`,
        device.failures > 0
          ? `${device.failures} of ${device.polls} polls failed${device.lastError ? `; last: ${device.lastError}` : ""}`
          : (device.lastError ?? ""),
      ]),
    ),
  );
  const said = devices.flatMap(({ device, info = {}, notes = [] }) => [
    ...Object.entries(info).map(([name, text]) => `${device}: ${name} ${text}`),
    ...notes.map((note) => `${device}: ${note}`),
  ]);
  return ["Devices", rows, ...said.map(indented)].join("\n");
}

function bufferText({ buffer }: AgentStatus): string {
  const room = buffer.roomDays === undefined ? "" : `; room ${roomText(buffer)}`;
  const fill = `${spokenBytes(buffer.bytes)} of ${spokenBytes(buffer.bytesMax)} used${room}`;
  const dropped = buffer.dropped > 0 ? `, ${buffer.dropped} DROPPED` : "";
  const line = `${buffer.waiting} samples wait, ${buffer.accepted} accepted by the cloud, ${buffer.receipted} stored there${dropped}; ${fill}`;
  const flash =
    buffer.medium.state === "good" ? [] : [`THE FLASH FAILS: ${buffer.medium.lastFailure ?? "it can't be opened"}`];
  return `Waiting readings\n${indented([line, ...flash].join("\n"))}`;
}

function uplinkText({ uplink, cloud, now }: AgentStatus): string {
  const perReading = uplink.readings > 0 ? `, ${(uplink.bytes / uplink.readings).toFixed(2)} bytes per reading` : "";
  const { lastAcceptedAt } = uplink;
  const last =
    lastAcceptedAt === undefined ? "nothing sent yet" : `last message ${spokenDuration(now - lastAcceptedAt)} ago`;
  const connection = uplink.connected ? "connected" : uplink.isAwayOnPurpose ? "away on purpose" : "NOT connected";
  const state = `${connection} for ${spokenDuration(now - uplink.since)}`;
  const lines = [
    `${cloud}: ${state}, uploads every ${spokenDuration(uplink.intervalMs)}`,
    `${uplink.messages} messages, ${spokenBytes(uplink.bytes)}${perReading}; ${last}`,
    ...linkLines(uplink),
    ...(uplink.lastError === undefined ? [] : [`last error: ${uplink.lastError}`]),
  ];
  return `Uplink\n${indented(lines.join("\n"))}`;
}

function identityText({ identity, now }: AgentStatus): string {
  if (!identity || (identity.by === "password" && !identity.problem && !identity.doing)) return "";
  const { by, certificate, doing, problem } = identity;
  const lines = [
    ...(certificate ? certificateLines(certificate, now) : [SHOWN[by] ?? `by ${by}`]),
    ...(doing === undefined ? [] : [`now: ${doing}`]),
    ...(problem === undefined ? [] : [`PROBLEM: ${problem}`]),
  ];
  return `Identity\n${indented(lines.join("\n"))}`;
}

const SHOWN: Readonly<Record<string, string>> = { nothing: "not enrolled yet", "access-key": "by access key" };
/** The name of each certificate that AWS gives. */
const NAMELESS = "AWS IoT Certificate";

function certificateLines(
  {
    name,
    sha256,
    untilMs,
    renewAtMs,
    cloud,
    sinceMs,
  }: NonNullable<NonNullable<AgentStatus["identity"]>["certificate"]>,
  now: number,
): string[] {
  const end = untilMs > now ? `until ${dayOf(untilMs)}` : `ENDED on ${dayOf(untilMs)}`;
  const renewal = renewAtMs === undefined ? "" : `; the next one is asked for from ${dayOf(renewAtMs)}`;
  const since = sinceMs === undefined ? "" : ` on ${dayOf(sinceMs)}`;
  return [
    `certificate ${name === NAMELESS && sha256 !== undefined ? sha256 : `of ${name}`}, ${end}${renewal}`,
    ...(cloud === undefined ? [] : [`enrolled with ${cloud}${since}`]),
  ];
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function linkLines({ link }: AgentStatus["uplink"]): string[] {
  if (!link) return [];
  const plan = link.plan === "stay" ? "stays connected between uploads" : "leaves after an upload and comes back";
  const learning = link.isLearning ? ", longer is being tried" : "";
  const pings = link.plan === "stay" ? `; keep-alive ${spokenDuration(link.keepAliveS * 1000)}${learning}` : "";
  return [`${plan}: ${link.because}${pings}`];
}

function monthText({ month }: AgentStatus): string {
  const { usedBytes, forecastBytes, budgetBytes, units } = month;
  const of = budgetBytes === undefined ? "" : ` of ${spokenBytes(budgetBytes)}`;
  const forecast = forecastBytes === undefined ? "" : `, at this pace ${spokenBytes(forecastBytes)} by its end`;
  const counted = month.interface === undefined ? "no network to count at" : `counted at ${month.interface}`;
  const { telemetry, other } = units;
  const lines = [
    `${spokenBytes(usedBytes)}${of} used${forecast}; ${counted}`,
    `hub units, readings + the rest: ${telemetry.azure} + ${other.azure} of 4 KB (Azure), ${telemetry.aws} + ${other.aws} of 5 KB (AWS), ${telemetry["azure-free"]} + ${other["azure-free"]} of 0.5 KB (Azure, free)`,
    ...(month.step > 0
      ? [`TO STAY WITHIN THE BUDGET: ${month.stepName} (step ${month.step} of ${LAST_STEP}); alarms go as ever`]
      : []),
  ];
  return `This month${month.month === "" ? "" : ` (${month.month})`}\n${indented(lines.join("\n"))}`;
}

/** What nobody set is in `show` and in --json: a station has many settings. */
function settingsText(status: AgentStatus): string {
  const set = status.settings.filter(({ ac }) => ac !== 203);
  if (status.settings.length === 0) return "";
  const rest = status.settings.length - set.length;
  const lines = [
    ...set.map((setting) => settingLine(setting, status)),
    ...(rest > 0 ? [`${rest} ${set.length > 0 ? "others are" : "are all"} not set by the cloud`] : []),
  ];
  return `Cloud settings (twin)\n${indented(lines.join("\n"))}`;
}

const commandsText = ({ commands }: AgentStatus): string =>
  commands.length === 0
    ? ""
    : `Commands from the cloud (times in UTC; more: pump-station audit)\n${indented(auditText(commands))}`;

const indented = (text: string): string => text.replaceAll(/^/gm, "  ");
