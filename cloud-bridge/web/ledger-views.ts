/** Whether all that was produced has arrived, and what could not be read. */
import { html, nothing, type TemplateResult } from "lit";
import type { LedgerEntry, QuarantineEntry } from "../api/contract.ts";
import { completenessOf, completenessText, holeText } from "./completeness.ts";
import { bytesText, clockText } from "./format.ts";

const HOLES_SHOWN = 6;

export const ledgerCard = (
  ledger: readonly LedgerEntry[],
  quarantine: readonly QuarantineEntry[],
  now: number,
): TemplateResult => {
  const completeness = completenessOf(ledger);
  const { holes } = completeness;
  return html`
    <section class="card" aria-labelledby="completeness">
      <header class="card-head"><h2 id="completeness">Completeness</h2></header>
      <p data-testid="completeness">${completenessText(completeness)}</p>
      ${
        holes.length > 0
          ? html`<ul class="plain" data-testid="gaps">
              ${holes.slice(0, HOLES_SHOWN).map((hole) => html`<li>${holeText(hole)}</li>`)}
              ${holes.length > HOLES_SHOWN ? html`<li class="muted">and ${holes.length - HOLES_SHOWN} more</li>` : nothing}
            </ul>`
          : nothing
      }
      ${quarantine.length > 0 ? quarantineView(quarantine, now) : nothing}
    </section>
  `;
};

const quarantineView = (quarantine: readonly QuarantineEntry[], now: number): TemplateResult => html`
  <details data-testid="quarantine">
    <summary>Messages set aside <span class="count">${quarantine.length}</span></summary>
    <ul class="plain">
      ${quarantine.map(
        (entry) => html`
          <li>
            <p>${entry.reason}</p>
            <p class="muted">${clockText(entry.time, now)}, ${bytesText(entry.bytes)}, <code>${entry.topic}</code></p>
          </li>
        `,
      )}
    </ul>
  </details>
`;
