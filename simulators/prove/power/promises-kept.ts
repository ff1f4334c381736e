/** What a process was promised before the power went, line by line, and whether the file that came back keeps it. Pure. */
import { ALARM_STREAM } from "@pump-station/agent/wire/messages.ts";
import { isSame } from "../../run/equality.ts";
import type { Promised } from "../kill/promises.ts";
import { truthOf } from "../kill/proven-station.ts";

export interface Book {
  /** "epoch stream" → its last acknowledged sequence. */
  readonly lasts: Map<string, number>;
  /** The message that has to be offered first. */
  offered: string | undefined;
  /** Whether the cut fell into its acceptance, so that it may be gone as well. */
  isAccepting: boolean;
}

export const emptyBook = (): Book => ({ lasts: new Map(), offered: undefined, isAccepting: false });

/** Adds what the writer printed; lines that are none of its promises (its log) are passed over. */
export function addPrinted(book: Book, printed: string): void {
  for (const line of printed.split("\n")) {
    const said = parsed(line);
    if (said.committed) book.lasts.set(`${said.committed.epoch} ${said.committed.stream}`, said.committed.last);
    if (said.alarms) book.lasts.set(`${said.alarms.epoch} ${ALARM_STREAM}`, said.alarms.last);
    if (said.offered !== undefined) Object.assign(book, { offered: said.offered, isAccepting: false });
    if (said.accepting !== undefined) book.isAccepting = true;
    if (said.accepted !== undefined) Object.assign(book, { offered: undefined, isAccepting: false });
  }
}

interface Line {
  readonly committed?: { readonly epoch: string; readonly stream: string; readonly last: number };
  readonly alarms?: { readonly epoch: string; readonly last: number };
  readonly offered?: string;
  readonly accepting?: string;
  readonly accepted?: string;
}

function parsed(line: string): Line {
  try {
    return JSON.parse(line) as Line;
  } catch {
    // Nothing, or the line that the kill cut off.
    return {};
  }
}

export interface Kept {
  /** Samples and alarms that were acknowledged. */
  readonly acknowledged: number;
  readonly lost: number;
  /** In a row, with values that they never had. */
  readonly wrong: number;
  readonly problems: readonly string[];
}

/** `offers`: what the reopened buffer offers first. */
export function compare(book: Book, found: ReadonlyMap<string, Promised>, offers: string | undefined): Kept {
  const problems: string[] = [];
  let [acknowledged, lost, wrong] = [0, 0, 0];
  for (const [name, last] of book.lasts) {
    acknowledged += last;
    const lacking: number[] = [];
    for (let sequence = 1; sequence <= last; sequence++) if (!found.has(`${name} ${sequence}`)) lacking.push(sequence);
    lost += lacking.length;
    if (lacking.length > 0) problems.push(`${name}: acknowledged to ${last}, lost are ${lacking[0]}…${lacking.at(-1)}`);
  }
  for (const [key, { sequence, values }] of found) {
    const truth = truthOf(sequence);
    if (values?.every((value, at) => isSame(value, truth[at], 0.001)) !== false) continue;
    wrong += 1;
    problems.push(`${key} is ${values.join()}, appended was ${truth.join()}`);
  }
  if (!book.isAccepting && book.offered !== undefined && book.offered !== offers) {
    problems.push(`message ${book.offered} was offered and not accepted, and now it is ${offers ?? "none"}`);
  }
  return { acknowledged, lost, wrong, problems };
}
