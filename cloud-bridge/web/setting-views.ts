/** Cloud settings: what is wanted beside what runs, the station's answer in words, and a field to change it. */
import type { Json } from "@pump-station/agent/wire/twin-document.ts";
import { html, nothing, type TemplateResult } from "lit";
import type { Change } from "./changes.ts";
import { clockText, nameText } from "./format.ts";
import { type Answer, LIVE, type SettingRow, type SettingValue, valueFrom } from "./settings.ts";

export interface SettingActions {
  readonly set: (path: string, value: Json) => void;
  /** Where typed text makes no sense. */
  readonly complain: (path: string, problem: string) => void;
}

export const settingsCard = (
  rows: readonly SettingRow[],
  changes: ReadonlyMap<string, Change>,
  actions: SettingActions,
  since: string | null,
  now: number,
): TemplateResult => html`
  <section class="card" aria-labelledby="settings" data-testid="settings">
    <header class="card-head">
      <h2 id="settings">Cloud settings</h2>
      ${convergedPill(rows, since)}
    </header>
    ${groupsOf(rows).map(
      ([group, members]) => html`
        <div class="setting-group">
          <h3>${nameText(group)}</h3>
          ${members.map((row) => settingView(row, changes.get(row.path), actions, now))}
        </div>
      `,
    )}
  </section>
`;

const convergedPill = (rows: readonly SettingRow[], since: string | null): TemplateResult => {
  const open = rows.filter((row) => row.desired !== null && row.answer.kind !== "applied").length;
  return html`<span class="pill ${open === 0 ? "good" : "warn"}" data-testid="converged" title=${since === null ? "" : `since ${since}, by the station's clock`}>
    ${open === 0 ? "converged" : `${open} not converged`}
  </span>`;
};

function groupsOf(rows: readonly SettingRow[]): [string, SettingRow[]][] {
  const groups = new Map<string, SettingRow[]>();
  for (const row of rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return [...groups];
}

const idOf = (path: string): string => path.replaceAll("/", "-");

const MARKS: Readonly<Record<Answer["kind"], string>> = {
  file: "",
  applied: "✓",
  sent: "…",
  waits: "…",
  refused: "✕",
  failed: "✕",
};

const settingView = (
  row: SettingRow,
  change: Change | undefined,
  actions: SettingActions,
  now: number,
): TemplateResult => {
  const id = idOf(row.path);
  const isSending = change !== undefined && change.problem === undefined;
  return html`
    <form
      class="setting"
      data-testid="setting-${id}"
      @submit=${(event: SubmitEvent) => submit(event, row, actions)}
    >
      <div class="setting-top">
        ${
          row.isRemoved || row.path === LIVE
            ? html`<span class="setting-name">${nameText(row.name)} ${row.isRemoved ? html`<span class="muted">(removed)</span>` : nothing}</span>`
            : html`<label for="field-${id}" class="setting-name">${nameText(row.name)}</label>`
        }
      <dl class="sides ${isLong(row) ? "long" : ""}">
        <div>
          <dt>wanted</dt>
          <dd data-testid="desired-${id}">${row.path === LIVE ? liveText(row, now) : valueWithUnit(row.desired, row.unit)}</dd>
        </div>
        <div>
          <dt>runs</dt>
          <dd data-testid="reported-${id}">${valueWithUnit(row.reported, row.unit)}</dd>
        </div>
      </dl>
      </div>
      ${row.path === LIVE ? liveView(row, isSending, actions, now) : row.isRemoved ? nothing : editView(row, id, isSending)}
      <p class="answer ${row.answer.kind}" id="answer-${id}" role="status">
        <span data-testid="answer-${id}" data-kind=${row.answer.kind}>
          <span aria-hidden="true">${MARKS[row.answer.kind]}</span> ${row.answer.words}
        </span>
        ${row.desired === null || row.path === LIVE ? nothing : backButton(row, id, isSending, actions)}
      </p>
      ${
        change?.problem === undefined
          ? nothing
          : html`<p class="problem-line" role="alert" data-testid="problem-${id}">${change.problem}</p>`
      }
    </form>
  `;
};

/** As the station takes it: an interval, and a time that ends it by itself. */
const WATCH_EVERY_S = 5;
const WATCH_MS = 10 * 60_000;

const liveView = (row: SettingRow, isSending: boolean, actions: SettingActions, now: number): TemplateResult => html`
  <div class="edit">
    <button
      type="button"
      class="quiet"
      data-testid="watch-live"
      ?disabled=${isSending}
      @click=${() => actions.set(LIVE, { every: WATCH_EVERY_S, until: now + WATCH_MS })}
    >
      Watch ${WATCH_MS / 60_000} min, every ${WATCH_EVERY_S} s
    </button>
    ${
      row.desired === null
        ? nothing
        : html`<button type="button" class="quiet" data-testid="stop-live" ?disabled=${isSending} @click=${() => actions.set(LIVE, null)}>Stop</button>`
    }
  </div>
`;

function liveText({ desired, unit, until }: SettingRow, now: number): string {
  const end = until === undefined ? "" : ` until ${clockText(until, now)}`;
  return desired === null ? "–" : `every ${valueWithUnit(desired, unit)}${end}`;
}

/** Two of them have no room side by side. */
const LONG_LETTERS = 20;
const isLong = ({ desired, reported }: SettingRow): boolean =>
  [desired, reported].some((value) => String(value ?? "").length > LONG_LETTERS);

const editView = (row: SettingRow, id: string, isSending: boolean): TemplateResult => html`
  <div class="edit">
    <span class="field">
      ${row.choices.length > 0 ? choiceField(row, id, isSending) : textField(row, id, isSending)}
      ${row.unit ? html`<span class="unit" aria-hidden="true">${row.unit}</span>` : nothing}
    </span>
    <button type="submit" data-testid="set-${id}" ?disabled=${isSending}>${isSending ? "Sending…" : "Set"}</button>
  </div>
`;

const textField = (row: SettingRow, id: string, isSending: boolean): TemplateResult => html`
  <input
    id="field-${id}"
    name="value"
    data-testid="input-${id}"
    autocomplete="off"
    inputmode=${typeof row.reported === "string" ? "text" : "decimal"}
    placeholder=${String(row.desired ?? row.reported ?? "")}
    ?disabled=${isSending}
    aria-describedby="answer-${id}"
  />
`;

const choiceField = (row: SettingRow, id: string, isSending: boolean): TemplateResult => html`
  <select id="field-${id}" name="value" data-testid="input-${id}" ?disabled=${isSending} aria-describedby="answer-${id}">
    ${row.choices.map(
      (choice) => html`<option ?selected=${choice === (row.desired ?? row.reported)}>${choice}</option>`,
    )}
  </select>
`;

const backButton = (row: SettingRow, id: string, isSending: boolean, actions: SettingActions): TemplateResult => html`
  <button
    type="button"
    class="link"
    data-testid="back-${id}"
    ?disabled=${isSending}
    @click=${() => actions.set(row.path, null)}
  >
    ${row.isRemoved ? "take it back" : "back to the file's value"}
  </button>
`;

const valueWithUnit = (value: SettingValue | null, unit: string): string =>
  value === null ? "–" : typeof value === "number" ? `${value.toLocaleString()} ${unit}`.trim() : String(value);

function submit(event: SubmitEvent, row: SettingRow, actions: SettingActions): void {
  event.preventDefault();
  const form = event.currentTarget as HTMLFormElement;
  const typed = new FormData(form).get("value");
  if (typeof typed === "string" && row.choices.includes(typed)) return actions.set(row.path, typed);
  const parsed = valueFrom(typeof typed === "string" ? typed : "", row.reported ?? row.desired);
  if ("problem" in parsed) return actions.complain(row.path, parsed.problem);
  form.reset();
  actions.set(row.path, parsed.ok);
}
