/** Cloud settings: what is wanted beside what runs, the station's answer in words, and a field to change it. */
import { html, nothing, type TemplateResult } from "lit";
import type { Change } from "./changes.ts";
import { nameText } from "./format.ts";
import { type Answer, type SettingRow, type SettingValue, valueFrom } from "./settings.ts";

export interface SettingActions {
  readonly set: (path: string, value: SettingValue | null) => void;
  /** Where typed text makes no sense. */
  readonly complain: (path: string, problem: string) => void;
}

export const settingsCard = (
  rows: readonly SettingRow[],
  changes: ReadonlyMap<string, Change>,
  actions: SettingActions,
  since: string | null,
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
          ${members.map((row) => settingView(row, changes.get(row.path), actions))}
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

const settingView = (row: SettingRow, change: Change | undefined, actions: SettingActions): TemplateResult => {
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
          row.isRemoved
            ? html`<span class="setting-name">${nameText(row.name)} <span class="muted">(removed)</span></span>`
            : html`<label for="field-${id}" class="setting-name">${nameText(row.name)}</label>`
        }
      <dl class="sides">
        <div>
          <dt>wanted</dt>
          <dd data-testid="desired-${id}">${valueWithUnit(row.desired, row.unit)}</dd>
        </div>
        <div>
          <dt>runs</dt>
          <dd data-testid="reported-${id}">${valueWithUnit(row.reported, row.unit)}</dd>
        </div>
      </dl>
      </div>
      ${row.isRemoved ? nothing : editView(row, id, isSending)}
      <p class="answer ${row.answer.kind}" id="answer-${id}" role="status">
        <span data-testid="answer-${id}" data-kind=${row.answer.kind}>
          <span aria-hidden="true">${MARKS[row.answer.kind]}</span> ${row.answer.words}
        </span>
        ${row.desired === null ? nothing : backButton(row, id, isSending, actions)}
      </p>
      ${
        change?.problem === undefined
          ? nothing
          : html`<p class="problem-line" role="alert" data-testid="problem-${id}">${change.problem}</p>`
      }
    </form>
  `;
};

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
  value === null ? "–" : `${typeof value === "number" ? value.toLocaleString() : String(value)} ${unit}`.trim();

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
