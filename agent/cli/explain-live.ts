/** `explain --live`: what the running agent heard last, and what became of it. */
import { explainBytes } from "@pump-station/sensor-descriptions/explain/explain.ts";
import { explainTransfers, type Transfer } from "@pump-station/sensor-descriptions/explain/i2c.ts";
import { explainLevel, explainPulses } from "@pump-station/sensor-descriptions/explain/pins.ts";
import { askAgent } from "../control/client.ts";
import type { LiveExplanation } from "../explain.ts";
import type { CliDeps } from "./command.ts";
import { EXIT } from "./exit.ts";
import { explanationText, wrapped } from "./explain-text.ts";
import { asJson, bytesIn, type Explained, type ExplainOptions, type Titled } from "./explained.ts";
import { spokenDuration } from "./table.ts";

export async function explainLive(deps: CliDeps, found: Explained, options: ExplainOptions): Promise<number> {
  const { device, type } = found;
  if (!device) {
    deps.err(
      `explain ${type.name}: this is a type; the agent knows devices\n  → name a device of the station file, or give --bytes "55 AA …"\n`,
    );
    return EXIT.usage;
  }
  const live = await askedOf(deps, device.name, options);
  if (live === undefined) return EXIT.failed;
  const explained = explainedLive(found, live);
  if (options.json) {
    deps.out(`${JSON.stringify({ ...live, explained: explained.map(asJson) }, null, 2)}\n`);
    return EXIT.ok;
  }
  const other =
    live.hash === found.hash ? [] : ["! what runs differs from the file: these bytes are explained by the file"];
  const texts = explained.map(({ title, explained: one }) => `${title}\n${explanationText(one, deps)}`);
  const none = texts.length === 0 ? [nothingText(live)] : [];
  deps.out(
    `${[...other, ...none, ...texts, ...wayTexts(found, live), storedText(live), ...alarmTexts(live)].join("\n\n")}\n`,
  );
  return EXIT.ok;
}

async function askedOf(deps: CliDeps, device: string, options: ExplainOptions): Promise<LiveExplanation | undefined> {
  try {
    return (await askAgent(deps.connectControl, options.control, "explain", { device })) as LiveExplanation;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    deps.err(
      `${words}\n  → without an agent: pump-station explain ${device} --bytes "55 AA …", or without --bytes the examples of its type\n`,
    );
    return undefined;
  }
}

const nothingText = ({ paused }: LiveExplanation): string =>
  paused === undefined ? "nothing was sent or heard so far" : `paused: ${paused}; it is not asked`;

const ago = (ageMs: number): string => `${spokenDuration(ageMs)} ago`;

function explainedLive({ spec, address }: Explained, live: LiveExplanation): readonly Titled[] {
  if (spec.protocol === "i2c") {
    const { transfers } = live;
    if (transfers === undefined) return [];
    const failed = transfers.transfers.find((one) => one.failed !== undefined)?.failed;
    const title = `transfers that ended ${ago(transfers.ageMs)}${failed === undefined ? "" : `; the last one failed: ${failed}`}`;
    return [{ title, explained: explainTransfers(spec, transfers.transfers.map(transferOf)) }];
  }
  if (spec.protocol === "pulses")
    return live.pulses
      ? [{ title: `counted ${ago(live.pulses.ageMs)}`, explained: explainPulses(spec, live.pulses) }]
      : [];
  if (spec.protocol === "levels" || spec.protocol === "outputs")
    return live.level
      ? [{ title: `read ${ago(live.level.ageMs)}`, explained: explainLevel(spec, live.level.level) }]
      : [];
  return live.exchanges.flatMap(({ what, ageMs, sent, heard, ended }) => {
    const asked = { address, wanted: what };
    const one = (text: string, title: string): Titled[] =>
      text === "" ? [] : [{ title, explained: explainBytes(spec, asked, hexIn(text)) }];
    const silence = heard === "" && !what.startsWith("report ") ? `; nothing was heard: ${ended}` : "";
    return [...one(sent, `sent ${ago(ageMs)} for "${what}"${silence}`), ...one(heard, `heard ${ago(ageMs)}: ${ended}`)];
  });
}

const hexIn = (text: string): Uint8Array => {
  const bytes = bytesIn(text);
  return "ok" in bytes ? bytes.ok : new Uint8Array();
};

const transferOf = ({ write, read }: { readonly write: string; readonly read: string }): Transfer => ({
  write: hexIn(write),
  read: hexIn(read),
});

function wayTexts({ origins }: Explained, { way }: LiveExplanation): string[] {
  if (!way) return [];
  const width = Math.max(...way.channels.flatMap(({ steps }) => steps.map(({ step }) => step.length)));
  const rows = way.channels.flatMap(({ channel, steps }) => [
    `  ${channel}`,
    ...steps.flatMap(({ step, says }) => {
      const from = step === "corrected" ? origins.get("correct") : undefined;
      const text = `${says}${from === undefined ? "" : ` (${from})`}`;
      return wrapped(text, 80 - width - 6).map((line, i) => `    ${(i === 0 ? step : "").padEnd(width)}  ${line}`);
    }),
  ]);
  return [`what became of it, ${ago(way.ageMs)}:\n${rows.join("\n")}`];
}

function storedText({ stored, upload }: LiveExplanation): string {
  const { committed, staged, epoch } = stored;
  const waits = staged === 0 ? "" : `, ${staged} more in memory until the next commit`;
  const kept =
    committed === 0 ? `none on disk yet${waits}` : `number ${committed} is the newest on disk (epoch ${epoch})${waits}`;
  const next = upload.inMs < 1_000 ? "now" : `in ${spokenDuration(upload.inMs)}`;
  const link = upload.isConnected ? "" : "; there is no connection at present";
  return [`kept readings: ${kept}`, `upload: lane ${upload.lane}, due ${next}${link}; alarms go at once`]
    .flatMap((line) => wrapped(line, 80))
    .join("\n");
}

function alarmTexts({ alarms }: LiveExplanation): string[] {
  if (alarms.length === 0) return [];
  const rows = alarms.map(({ alarm, isActive, severity, condition, values, holds, heldMs, forMs }) => {
    const state = isActive ? "active, ends when" : "not active, begins when";
    const judged = holds === undefined ? "not known" : holds ? "so" : "not so";
    const lasting =
      forMs === 0 ? "" : `, for ${spokenDuration(forMs)}${holds ? ` (so far ${spokenDuration(heldMs)})` : ""}`;
    return wrapped(`${alarm} (${severity}): ${state} ${condition}${lasting}: ${values} → ${judged}`, 78)
      .map((line) => `  ${line}`)
      .join("\n");
  });
  return [`alarms:\n${rows.join("\n")}`];
}
