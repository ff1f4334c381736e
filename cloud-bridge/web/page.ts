/** The page: one station at a time, everything about it in view. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { StationSummary } from "../api/contract.ts";
import { alarmsCard } from "./alarm-views.ts";
import type { Changes } from "./changes.ts";
import { deviceCard } from "./device-views.ts";
import { onSiteText } from "./format.ts";
import { fragmentOf } from "./fragment.ts";
import { ledgerCard } from "./ledger-views.ts";
import type { Session } from "./session.ts";
import { settingsCard } from "./setting-views.ts";
import { settingRows } from "./settings.ts";
import { RANGES } from "./state.ts";
import { connectionView, figures, headline, stationList } from "./station-views.ts";

export class PumpStations extends LitElement {
  declare session: Session;
  declare changes: Changes;

  /** Charts, views and dialog share one style sheet. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    this.replaceChildren();
    super.connectedCallback();
    // Ages and the time axis move on although nothing happens; a hidden tab needs neither.
    setInterval(() => document.hidden || this.requestUpdate(), 1000);
  }

  protected override render(): TemplateResult {
    const state = this.session.state();
    const now = Date.now();
    const station = state.stations?.find((known) => known.station === state.station);
    return html`
      <a class="skip" href="#content">Skip to the readings</a>
      <header class="top">
        <p class="brand">${logo}<span>Pump stations</span></p>
        ${connectionView(state.connection)}
      </header>
      <div class="layout">
        ${stationList(state, now, (name) => this.#choose(name))}
        <main id="content" tabindex="-1">
          ${
            state.problem === undefined
              ? nothing
              : html`<p class="problem" role="alert" data-testid="problem">${state.problem}</p>`
          }
          ${station ? this.#stationView(station, now) : this.#noStation()}
        </main>
      </div>
      ${this.#dialog()}
    `;
  }

  #noStation(): TemplateResult {
    const { stations, connection } = this.session.state();
    if (stations === undefined) {
      return html`<p class="empty">${connection === "lost" ? "The bridge can't be reached." : "Loading…"}</p>`;
    }
    return html`
      <div class="empty" data-testid="no-stations">
        <h1>No station yet</h1>
        <p>A station appears here as soon as its first message has arrived.</p>
      </div>
    `;
  }

  #stationView(station: StationSummary, now: number): TemplateResult {
    const state = this.session.state();
    const { devices, twin } = state;
    const window = { from: now - state.rangeMs, to: now };
    return html`
      <div class="station-head">
        ${headline(station, agentText(twin?.reported["agent"]), state.connection, onSiteText(twin?.reported["on-site"], now))} ${this.#ranges(state.rangeMs)}
      </div>
      ${figures(station, state, now)}
      <div class="columns">
        ${alarmsCard(state.alarms, now)}
        <div class="charts">
          ${devices.length === 0 ? html`<p class="empty">${state.isLoaded ? "No readings yet." : "Loading…"}</p>` : nothing}
          ${repeat(
            devices,
            (series) => `${station.station}/${series.device}`,
            (series) => deviceCard(series, twin, window, now),
          )}
        </div>
        <div class="side">
          ${
            twin
              ? settingsCard(
                  settingRows(twin, devices),
                  this.changes.all(),
                  {
                    set: (path, value) => void this.changes.send({ station: station.station, path, value }),
                    complain: (path, problem) => this.#complain(station.station, path, problem),
                  },
                  twin.convergence.since,
                  now,
                )
              : nothing
          }
          ${ledgerCard(state.ledger, state.quarantine, now)}
        </div>
      </div>
    `;
  }

  #ranges(shown: number): TemplateResult {
    return html`
      <div class="ranges" role="group" aria-label="Time shown">
        ${RANGES.map(
          ({ ms, label }) => html`
            <button
              type="button"
              aria-pressed=${shown === ms ? "true" : "false"}
              data-testid="range-${label.replace(" ", "-")}"
              @click=${() => void this.session.setRange(ms)}
            >
              ${label}
            </button>
          `,
        )}
      </div>
    `;
  }

  #dialog(): TemplateResult | typeof nothing {
    const asking = this.changes.asking();
    if (!asking) return nothing;
    return html`
      <token-dialog
        .why=${asking.why}
        @given=${(event: CustomEvent<string>) => void this.changes.giveToken(event.detail)}
        @withheld=${() => this.changes.withholdToken()}
      ></token-dialog>
    `;
  }

  #choose(station: string): void {
    this.changes.forget();
    this.session.choose(station);
    history.replaceState(null, "", fragmentOf(station));
    this.querySelector<HTMLElement>("#content")?.focus({ preventScroll: false });
  }

  #complain(station: string, path: string, problem: string): void {
    this.changes.complain({ station, path, value: null, problem });
  }
}

const agentText = (agent: unknown): string | undefined => {
  const version = (agent as { readonly version?: unknown } | undefined)?.version;
  return typeof version === "string" ? `agent ${version}` : undefined;
};

/** A drop over two waves. */
const logo = html`
  <svg class="logo" viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8">
    <path d="M12 2.8c2.6 3.1 4.2 5.4 4.2 7.6a4.2 4.2 0 0 1-8.4 0c0-2.2 1.6-4.5 4.2-7.6Z" stroke-linejoin="round" />
    <path d="M3 17.2c1.5-1.2 3-1.2 4.5 0s3 1.2 4.5 0 3-1.2 4.5 0 3 1.2 4.5 0" stroke-linecap="round" />
    <path d="M3 21c1.5-1.2 3-1.2 4.5 0s3 1.2 4.5 0 3-1.2 4.5 0 3 1.2 4.5 0" stroke-linecap="round" />
  </svg>
`;
