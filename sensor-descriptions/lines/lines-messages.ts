/** What a protocol of lines can say, for host and device. */
import type { LineBody } from "./line-body.ts";
import type { TextField } from "./line-fields.ts";
import type { LineCodec } from "./line-form.ts";
import type { TextTemplate } from "./lines-spec.ts";

export interface LineMessage {
  readonly kind: "read" | "set" | "command" | "set-up";
  /** Of a set-up: the number of the step. */
  readonly name: string;
  readonly isUnanswered?: boolean;
  readonly request: TextTemplate;
  readonly answer: TextTemplate;
  readonly body: LineBody;
  /** Coding of each placeholder except {address}. */
  readonly placeholders: ReadonlyMap<string, TextField>;
  /** Of each placeholder whose letters are always as many. */
  readonly letters: ReadonlyMap<string, number>;
}

/** What the device sends by itself. */
export interface LineReport {
  readonly name: string;
  readonly answer: TextTemplate;
  readonly body: LineBody;
}

export interface Lines {
  readonly asked: readonly LineMessage[];
  readonly reports: readonly LineReport[];
  readonly answers: LineCodec;
  readonly requests: LineCodec;
  /** As {address} is written. Throws RangeError when it doesn't fit into its digits. */
  addressText(address: number): string;
  /** How a refusal begins. */
  readonly refusal: string | undefined;
  readonly refusals: ReadonlyMap<number, string>;
}
