/** Settings on their way to the bridge: one per path, each with its outcome in words, and the token that they need. */
import type { Json } from "@pump-station/agent/wire/twin-document.ts";
import type { Twin } from "../api/contract.ts";
import { type Api, ApiProblem, problemText } from "./api-client.ts";
import { patchFrom } from "./settings.ts";

export interface TokenStore {
  get(): string | undefined;
  set(token: string): void;
  clear(): void;
}

/** A change on its way; with `problem`, one that got no further. */
export interface Change {
  readonly station: string;
  readonly path: string;
  readonly value: Json;
  readonly problem?: string;
}

export interface Changes {
  /** By path. */
  all(): ReadonlyMap<string, Change>;
  /** A change that waits for a token, and why it is asked for. */
  asking(): { readonly change: Change; readonly why: string } | undefined;
  /** Sends it, or asks for a token first. */
  send(change: Change): Promise<void>;
  /** Goes on with the change that asked. */
  giveToken(token: string): Promise<void>;
  withholdToken(): void;
  /** Shows why a change isn't even sent. */
  complain(change: Change): void;
  forget(): void;
}

export interface ChangesDeps {
  readonly api: Pick<Api, "setDesired">;
  readonly token: TokenStore;
  readonly onTwin: (twin: Twin) => void;
  readonly onChange: () => void;
}

export function createChanges({ api, token, onTwin, onChange }: ChangesDeps): Changes {
  const changes = new Map<string, Change>();
  let asking: ReturnType<Changes["asking"]>;

  const ask = (change: Change, why: string): void => {
    asking = { change, why };
    onChange();
  };

  const send = async (change: Change): Promise<void> => {
    const known = token.get();
    if (known === undefined) return ask(change, "Changing a setting needs the bridge's access token.");
    changes.set(change.path, change);
    onChange();
    try {
      const twin = await api.setDesired(change.station, patchFrom(change.path, change.value), known);
      changes.delete(change.path);
      onTwin(twin);
    } catch (problem) {
      changes.delete(change.path);
      if (problem instanceof ApiProblem && problem.status === 401) {
        token.clear();
        return ask(change, problemText(problem));
      }
      changes.set(change.path, { ...change, problem: problemText(problem) });
      onChange();
    }
  };

  return {
    all: () => changes,
    asking: () => asking,
    send,
    giveToken: async (given) => {
      const change = asking?.change;
      asking = undefined;
      token.set(given);
      onChange();
      if (change) await send(change);
    },
    withholdToken: () => {
      asking = undefined;
      onChange();
    },
    complain: (change) => {
      changes.set(change.path, change);
      onChange();
    },
    forget: () => changes.clear(),
  };
}
