/** Asks once for the bridge's access token; it stays in this browser tab only. */
import { html, LitElement, type TemplateResult } from "lit";

export class TokenDialog extends LitElement {
  static override properties = { why: { type: String } };
  declare why: string;

  constructor() {
    super();
    this.why = "";
  }

  /** Page and dialog share one style sheet. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    this.querySelector("dialog")?.showModal();
  }

  protected override render(): TemplateResult {
    return html`
      <dialog aria-labelledby="token-title" data-testid="token-dialog" @cancel=${() => this.#say("withheld")}>
        <form @submit=${(event: SubmitEvent) => this.#submit(event)}>
          <h2 id="token-title">Access token</h2>
          <p role="status">${this.why}</p>
          <p class="muted">
            The bridge printed it once, at its first start. It is kept in this tab until you close it.
          </p>
          <label for="token">Token</label>
          <input
            id="token"
            name="token"
            type="password"
            required
            autocomplete="off"
            spellcheck="false"
            data-testid="token-input"
          />
          <div class="dialog-actions">
            <button type="button" class="quiet" data-testid="token-cancel" @click=${() => this.#say("withheld")}>
              Cancel
            </button>
            <button type="submit" data-testid="token-submit">Continue</button>
          </div>
        </form>
      </dialog>
    `;
  }

  #submit(event: SubmitEvent): void {
    event.preventDefault();
    const typed = new FormData(event.currentTarget as HTMLFormElement).get("token");
    if (typeof typed === "string" && typed.trim() !== "") this.#say("given", typed.trim());
  }

  #say(event: "given" | "withheld", token?: string): void {
    this.dispatchEvent(new CustomEvent(event, { detail: token }));
  }
}
