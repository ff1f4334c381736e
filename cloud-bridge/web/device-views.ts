/** Devices: each channel's newest value with its age, and its chart. */
import { html, nothing, type TemplateResult } from "lit";
import type { StreamChannel, Twin } from "../api/contract.ts";
import {
  ageText,
  clockText,
  countText,
  durationText,
  nameText,
  numberText,
  reasonText,
  uncertainText,
  unitText,
} from "./format.ts";
import type { ChartView } from "./plot-element.ts";
import { isRemoved } from "./removed.ts";
import { type DeviceSeries, type Latest, latestOf, type Plot, plotOf, ROWS_MAX } from "./series.ts";
import { stateName, stateTone } from "./states.ts";

export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

export const deviceCard = (
  series: DeviceSeries,
  twin: Twin | undefined,
  window: TimeWindow,
  now: number,
): TemplateResult => {
  const tiles = series.channels.map((channel, column) => ({ channel, column }));
  const states = tiles.filter(({ channel }) => channel.kind === "state");
  const others = tiles.filter(({ channel }) => channel.kind !== "state");
  const last = series.rows.at(-1)?.[0];
  return html`
    <section class="card device" data-testid="device-${series.device}" aria-labelledby="device-${series.device}">
      <header class="card-head">
        <h2 id="device-${series.device}">${nameText(series.device)}</h2>
        ${isRemoved(twin, series.device) ? removedBadge(series.device) : healthBadge(healthOf(twin, series.device))}
        <span class="muted push">
          ${last === undefined ? `no samples in the last ${durationText(window.to - window.from)}` : `last sample ${ageText(now - last)}`}
        </span>
      </header>
      ${states.map(({ channel, column }) => stateTile(series, channel, column, window, now))}
      <div class="tiles">${others.map(({ channel, column }) => tile(series, channel, column, window, now))}</div>
      ${uncertainNote(series)}
      ${series.isCut ? html`<p class="muted">Only the newest ${countText(ROWS_MAX)} samples are drawn.</p>` : nothing}
    </section>
  `;
};

const uncertainNote = ({ device, uncertain }: DeviceSeries): TemplateResult | typeof nothing =>
  uncertain === undefined
    ? nothing
    : html`<p class="muted" data-testid="uncertain-${device}">${uncertainText(uncertain)}</p>`;

function healthOf(twin: Twin | undefined, device: string): string | undefined {
  const devices = twin?.reported["devices"] as Readonly<Record<string, { readonly health?: unknown }>> | undefined;
  const health = devices?.[device]?.health;
  return typeof health === "string" ? health : undefined;
}

const removedBadge = (device: string): TemplateResult =>
  html`<span class="pill" data-testid="removed-${device}">removed from the station; what it read stays</span>`;

const healthBadge = (health: string | undefined): TemplateResult | typeof nothing =>
  health === undefined || health === "good" ? nothing : html`<span class="pill bad">${reasonText(health)}</span>`;

function tile(
  series: DeviceSeries,
  channel: StreamChannel,
  column: number,
  window: TimeWindow,
  now: number,
): TemplateResult {
  const latest = latestOf(series, column);
  const id = `${series.device}-${channel.name}`;
  return html`
    <article class="tile" data-testid="channel-${id}">
      <header class="tile-head">
        <h3>${nameText(channel.name)}</h3>
        <span class="age" data-testid="age-${id}">${latestAge(latest, now)}</span>
      </header>
      <p class="value ${latest.reason === undefined ? "" : "stale"}">
        <span data-testid="value-${id}">
          ${latest.value === undefined ? "–" : numberText(latest.value, channel.resolution)}
        </span>
        <span class="unit">${unitText(channel.unit)}</span>
        ${reasonNote(latest, id)}
      </p>
      <channel-chart .view=${chartView(series, channel, column, window, latest)}></channel-chart>
    </article>
  `;
}

function stateTile(
  series: DeviceSeries,
  channel: StreamChannel,
  column: number,
  window: TimeWindow,
  now: number,
): TemplateResult {
  const latest = latestOf(series, column);
  const id = `${series.device}-${channel.name}`;
  const tone = latest.value === undefined ? "tone-unknown" : stateTone(channel, latest.value);
  return html`
    <article class="tile state-tile" data-testid="channel-${id}">
      <header class="tile-head">
        <h3>${nameText(channel.name)}</h3>
        <span class="age" data-testid="age-${id}">${latestAge(latest, now)}</span>
      </header>
      <p class="value ${latest.reason === undefined ? "" : "stale"}">
        <span class="swatch ${tone}" aria-hidden="true"></span>
        <span data-testid="value-${id}">
          ${latest.value === undefined ? "–" : nameText(stateName(channel, latest.value))}
        </span>
        ${reasonNote(latest, id)}
      </p>
      <state-band .view=${chartView(series, channel, column, window, latest)}></state-band>
    </article>
  `;
}

const reasonNote = (latest: Latest, id: string): TemplateResult | typeof nothing =>
  latest.reason === undefined
    ? nothing
    : html`<span class="reason" data-testid="reason-${id}">${reasonText(latest.reason)}</span>`;

/** An old value keeps its own time; one that was found unchanged says since when it stands. */
function latestAge(latest: Latest, now: number): string {
  if (latest.at === undefined) return "";
  if (latest.confirmedAt !== undefined) return `unchanged since ${clockText(latest.at, now)}`;
  return ageText(now - latest.at);
}

const plots = new WeakMap<DeviceSeries, Map<number, Plot>>();

/** Plots are made once per series: the page is drawn each second, data comes each interval. */
function plotFor(series: DeviceSeries, column: number): Plot {
  const known = plots.get(series) ?? new Map<number, Plot>();
  plots.set(series, known);
  const plot = known.get(column) ?? plotOf(series, column);
  known.set(column, plot);
  return plot;
}

function chartView(
  series: DeviceSeries,
  channel: StreamChannel,
  column: number,
  window: TimeWindow,
  latest: Latest,
): ChartView {
  const span = durationText(window.to - window.from);
  const name = `${nameText(channel.name)} of ${nameText(series.device)}, last ${span}`;
  const label = `${name}: ${latest.value === undefined ? "no value" : `now ${valueText(channel, latest.value)}`}`;
  return { plot: plotFor(series, column), channel, ...window, label };
}

const valueText = (channel: StreamChannel, value: number): string =>
  channel.kind === "state"
    ? nameText(stateName(channel, value))
    : `${numberText(value, channel.resolution)} ${unitText(channel.unit)}`.trim();
