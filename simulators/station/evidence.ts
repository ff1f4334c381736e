/**
 * What the simulated hardware has seen with its own eyes, for whoever proves that the chain works: counted on the
 * hardware's side of the wire, never asked of the agent. Also the questions and answers over a Unix socket:
 *
 *   →  {"id":1,"ask":"evidence"}                          ←  {"id":1,"answer":Evidence}
 *   →  {"id":2,"ask":"journal","device":"pump"}           ←  {"id":2,"answer":JournalEntry[]}   the newest, oldest first
 */
import { JOURNAL_ENTRIES_MAX } from "../limits.ts";
import type { LinePeer } from "../world.ts";

export interface Evidence {
  /** Bytes that passed each pseudo-terminal: `in` from the agent, `out` to it. */
  readonly terminals: Readonly<Record<string, { readonly path: string; readonly in: number; readonly out: number }>>;
  /** Requests that were whole frames with a right checksum, and what came of them. */
  readonly requests: Readonly<
    Record<string, { readonly answered: number; readonly refused: number; readonly bad: number }>
  >;
  readonly chips: Readonly<Record<string, { readonly triggers: number; readonly reads: number }>>;
  /** `told`: tips whose edges somebody watched. */
  readonly pulses: Readonly<Record<string, { readonly tips: number; readonly told: number }>>;
  /** What the hardware is at this moment, whether or not it is asked over its port. */
  readonly now: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly replay?: { readonly rows: number; readonly offered: number; readonly isFinished: boolean };
}

export interface JournalEntry {
  /** ms since 1970 by the simulator's clock */
  readonly atMs: number;
  readonly did: "answered" | "set" | "command" | "tip";
  /** The values given, or the value set. A string is the reason why there is none. */
  readonly values: Readonly<Record<string, number | string>>;
  readonly refused?: number;
}

export interface Journal {
  add(device: string, entry: JournalEntry): void;
  newest(device: string): readonly JournalEntry[];
}

/** An answer has to fit a line. */
const ENTRIES_PER_ANSWER = 150;

export function createJournal(): Journal {
  const entries = new Map<string, JournalEntry[]>();
  return {
    add: (device, entry) => {
      const list = entries.get(device) ?? [];
      entries.set(device, list);
      list.push(entry);
      // Cut in halves, so that the oldest aren't moved away one by one.
      if (list.length > 2 * JOURNAL_ENTRIES_MAX) list.splice(0, JOURNAL_ENTRIES_MAX);
    },
    newest: (device) => (entries.get(device) ?? []).slice(-ENTRIES_PER_ANSWER),
  };
}

/** Answers one peer's questions until it goes. */
export function serveEvidence(peer: LinePeer, evidence: () => Evidence, journal: Journal): void {
  peer.onLine((line) => {
    let question: { id?: unknown; ask?: unknown; device?: unknown };
    try {
      question = JSON.parse(line) as typeof question;
    } catch {
      return peer.close();
    }
    const answer = question.ask === "journal" ? journal.newest(String(question.device)) : evidence();
    return peer.send(JSON.stringify({ id: question.id, answer }));
  });
}

/** The other end: asks over a socket. */
export interface Witness {
  evidence(): Promise<Evidence>;
  journal(device: string): Promise<readonly JournalEntry[]>;
  close(): void;
}

export function createWitness(peer: LinePeer): Witness {
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  let next = 1;
  let isClosed = false;
  peer.onLine((line) => {
    const { id, answer } = JSON.parse(line) as { id: number; answer: unknown };
    waiting.get(id)?.resolve(answer);
    waiting.delete(id);
  });
  peer.onClosed(() => {
    isClosed = true;
    for (const { reject } of waiting.values()) reject(gone());
    waiting.clear();
  });
  const gone = () => new Error("ask the simulated hardware: it closed the connection");
  const ask = (question: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (isClosed) return reject(gone());
      const id = next++;
      waiting.set(id, { resolve, reject });
      return peer.send(JSON.stringify({ id, ...question }));
    });
  return {
    evidence: async () => (await ask({ ask: "evidence" })) as Evidence,
    journal: async (device) => (await ask({ ask: "journal", device })) as readonly JournalEntry[],
    close: () => peer.close(),
  };
}
