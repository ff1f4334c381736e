/** Alarms: what stands now, gravest first, and what has been. */
import { html, nothing, type TemplateResult } from "lit";
import type { AlarmEntry } from "../api/contract.ts";
import { alarmsFrom, type PastAlarm } from "./alarms.ts";
import { clockText, durationText, nameText, uncertainText } from "./format.ts";

const PAST_SHOWN = 8;

export const alarmsCard = (entries: readonly AlarmEntry[], now: number): TemplateResult => {
  const { active, past } = alarmsFrom(entries);
  return html`
    <section class="card alarms-card" aria-labelledby="alarms" data-testid="alarms">
      <header class="card-head">
        <h2 id="alarms">Alarms</h2>
        <span class="pill ${active.length > 0 ? "bad" : "good"}" data-testid="alarm-count">
          ${active.length > 0 ? `${active.length} active` : "none active"}
        </span>
      </header>
      <div role="status">
        ${
          active.length > 0
            ? html`<ul class="alarms">
                ${active.map((entry) => activeAlarm(entry, now))}
              </ul>`
            : nothing
        }
      </div>
      ${past.length > 0 ? pastAlarms(past, now) : nothing}
      ${entries.length === 0 ? html`<p class="muted">No alarm has been raised yet.</p>` : nothing}
    </section>
  `;
};

const activeAlarm = (entry: AlarmEntry, now: number): TemplateResult => html`
  <li class="alarm ${entry.severity}" data-testid="alarm-${entry.device}-${entry.alarm}">
    <p class="alarm-name">
      <span class="badge ${entry.severity}">${entry.severity}</span>
      ${onSiteBadge(entry)}
      <strong>${nameText(entry.device)}: ${nameText(entry.alarm)}</strong>
    </p>
    <p class="alarm-why">${entry.because}</p>
    <p class="muted">
      since ${clockText(entry.time, now)}, for ${durationText(now - entry.time)}
      ${entry.uncertain === undefined ? "" : `(${uncertainText(entry.uncertain)})`}
    </p>
  </li>
`;

/** As grave as ever, and nobody is called: somebody is there. */
const onSiteBadge = ({ onSite }: AlarmEntry): TemplateResult | typeof nothing =>
  onSite ? html`<span class="badge">while on site</span>` : nothing;

const pastAlarms = (past: readonly PastAlarm[], now: number): TemplateResult => html`
  <details class="past">
    <summary>Ended <span class="count">${past.length}</span></summary>
    <ul class="alarms">
      ${past.slice(0, PAST_SHOWN).map(
        ({ entry, began }) => html`
          <li class="alarm ended">
            <p class="alarm-name">
              <strong>${nameText(entry.device)}: ${nameText(entry.alarm)}</strong>
              <span class="muted">${entry.severity}</span> ${onSiteBadge(entry)}
            </p>
            <p class="muted">
              ended ${clockText(entry.time, now)}${began === undefined ? "" : `, after ${durationText(entry.time - began)}`}
            </p>
          </li>
        `,
      )}
    </ul>
  </details>
`;
