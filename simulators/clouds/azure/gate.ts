/** Throttles and quotas, asked before each operation: what becomes of it. */
import type { Operation } from "./faults.ts";

export type Verdict =
  | { readonly go: "now" }
  /** Azure's traffic shaping: the operation waits its turn. */
  | { readonly go: "later"; readonly ms: number }
  | { readonly go: "refuse"; readonly status: 403 | 429; readonly reason: string }
  | { readonly go: "close"; readonly reason: string };

export interface Gate {
  /** undefined, or why there may be no new connection just now. */
  connect(): string | undefined;
  pass(device: string, on: Operation, bytes: number): Verdict;
}

/** Lets everything pass. */
export const openGate: Gate = { connect: () => undefined, pass: () => ({ go: "now" }) };
