/** Stations: the list, the chosen one's headline, and its figures. */
import { html, nothing, type TemplateResult } from "lit";
import type { StationSummary } from "../api/contract.ts";
import { completenessOf } from "./completeness.ts";
import { ageText, bytesPerReadingText, bytesText, countText } from "./format.ts";
import type { Connection, PageState } from "./state.ts";

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  connecting: "Connecting…",
  live: "Live",
  lost: "Connection lost, retrying…",
};

export const connectionView = (connection: Connection): TemplateResult => html`
  <p class="connection ${connection}" role="status" data-testid="connection" data-state=${connection}>
    <span class="dot" aria-hidden="true"></span>${CONNECTIONS[connection]}
  </p>
`;

export const stationList = (state: PageState, now: number, onChoose: (station: string) => void): TemplateResult => html`
  <nav class="stations" aria-label="Stations" data-testid="stations">
    <h2>Stations <span class="count">${state.stations?.length ?? ""}</span></h2>
    <ul>
      ${(state.stations ?? []).map((station) => stationItem(station, station.station === state.station, now, onChoose))}
    </ul>
  </nav>
`;

const stationItem = (
  station: StationSummary,
  isShown: boolean,
  now: number,
  onChoose: (station: string) => void,
): TemplateResult => html`
  <li>
    <button
      type="button"
      class="station"
      aria-current=${isShown ? "true" : "false"}
      data-testid="station-${station.station}"
      @click=${() => onChoose(station.station)}
    >
      <span class="dot ${station.online ? "good" : "off"}" aria-hidden="true"></span>
      <span class="station-name">${station.station}</span>
      ${
        station.activeAlarms > 0
          ? html`<span class="badge critical" aria-label="${station.activeAlarms} active alarms">
              ${station.activeAlarms}
            </span>`
          : nothing
      }
      <span class="station-seen">${station.online ? "online" : "offline"}, ${seenText(station, now)}</span>
    </button>
  </li>
`;

const seenText = (station: StationSummary, now: number): string =>
  station.lastSeen === null ? "never seen" : `seen ${ageText(now - station.lastSeen)}`;

/** Without the bridge nobody knows whether the station is online. */
export const headline = (
  station: StationSummary,
  agent: string | undefined,
  connection: Connection,
  onSite: string | undefined,
): TemplateResult => {
  const isGood = station.online && connection !== "lost";
  const word = connection === "lost" ? "Not known" : station.online ? "Online" : "Offline";
  return html`
    <div class="headline">
      <h1 data-testid="station-name">${station.station}</h1>
      <span class="pill ${isGood ? "good" : "off"}" data-testid="station-online">${word}</span>
      ${onSite === undefined ? nothing : html`<span class="pill" data-testid="on-site">${onSite}</span>`}
      ${agent === undefined ? nothing : html`<span class="muted">${agent}</span>`}
      <span class="muted" data-testid="station-identity">${identityText(station.identity)}</span>
    </div>
  `;
};

function identityText({ by, certificateUntil, tokenUntil }: StationSummary["identity"]): string {
  if (by === "password") return "password";
  if (by === "nothing") return tokenUntil === null ? "revoked" : "not enrolled yet";
  return certificateUntil === null ? "certificate" : `certificate until ${dayText(certificateUntil)}`;
}

const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

interface Figure {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly isBad?: boolean;
}

export const figures = (station: StationSummary, state: PageState, now: number): TemplateResult => html`
  <dl class="figures">
    ${figuresOf(station, state, now).map(
      (figure) => html`
        <div class="figure ${figure.isBad ? "bad" : ""}">
          <dt>${figure.name}</dt>
          <dd class="figure-value" data-testid="figure-${figure.id}">${figure.value}</dd>
          <dd class="figure-note">${figure.note}</dd>
        </div>
      `,
    )}
  </dl>
`;

function figuresOf(station: StationSummary, state: PageState, now: number): Figure[] {
  const { missing } = completenessOf(state.ledger);
  return [
    {
      id: "last-seen",
      name: "Last message",
      value: station.lastSeen === null ? "never" : ageText(now - station.lastSeen),
      note: `${countText(station.messages)} messages, ${bytesText(station.bytes)}`,
    },
    {
      id: "samples",
      name: "Samples stored",
      value: countText(station.samples),
      note: `${countText(station.readings)} readings`,
    },
    {
      id: "bytes-per-reading",
      name: "Bytes per reading",
      value: bytesPerReadingText(station.bytes, station.readings),
      note: "message payload",
    },
    waitingFigure(state),
    {
      id: "missing",
      name: "Missing",
      value: countText(missing),
      note: missing === 0 ? "all accounted for" : "numbers not yet here",
      isBad: missing > 0,
    },
    {
      id: "quarantined",
      name: "Set aside",
      value: countText(station.quarantined),
      note: station.quarantined === 0 ? "all messages readable" : "messages not readable",
      isBad: station.quarantined > 0,
    },
  ];
}

/** What the station last said about its own buffer; it says so seldom, so the figure names its source. */
function waitingFigure(state: PageState): Figure {
  const buffer = state.twin?.reported["buffer"] as { readonly waiting?: unknown } | undefined;
  const waiting = typeof buffer?.waiting === "number" ? countText(buffer.waiting) : "–";
  return { id: "waiting", name: "Waiting on the station", value: waiting, note: "as last reported" };
}
