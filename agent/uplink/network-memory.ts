/**
 * What was learned of each network that the station has been in, across restarts, as one small JSON document:
 *
 *   networks  [{name, survivedS, lostS?, lostAt?, fullBytes?, resumedBytes?, resumedShare?, pingBytes?}]   last used last
 *
 * Written when something was learned, which is a dozen times in a new network and then hardly ever.
 */
import { KEEP_ALIVE_FIRST_S, NETWORKS_MAX } from "../limits.ts";
import type { Log } from "../world.ts";

export interface Learned {
  /** The longest silence after which an answer came, s. */
  readonly survivedS: number;
  /** A silence after which none came, twice, s. */
  readonly lostS?: number | undefined;
  /** When that was, ms since 1970. */
  readonly lostAt?: number | undefined;
  /** IP bytes of beginning a connection with a full TLS handshake, and with a resumed one. */
  readonly fullBytes?: number | undefined;
  readonly resumedBytes?: number | undefined;
  /** How many of the newest connections could be resumed, 0 to 1. */
  readonly resumedShare?: number | undefined;
}

export interface LearnedFile {
  load(): unknown;
  save(document: { readonly networks: readonly (Learned & { readonly name: string })[] }): void;
}

export interface NetworkMemory {
  /** Of the network that the station is in now. */
  now(): Learned;
  learn(changes: Partial<Learned>): void;
}

const NUMBERS = ["lostS", "lostAt", "fullBytes", "resumedBytes", "resumedShare"] as const;
const NOTHING: Learned = { survivedS: KEEP_ALIVE_FIRST_S };

export function createNetworkMemory(deps: {
  readonly file: LearnedFile;
  readonly log: Log;
  /** undefined: nobody can tell which it is. */
  readonly network: () => string | undefined;
}): NetworkMemory {
  let networks = new Map(networksFrom(deps.file.load()));
  const name = (): string => deps.network() ?? "unknown";
  return {
    now: () => networks.get(name()) ?? NOTHING,
    learn: (changes) => {
      const at = name();
      const before = networks.get(at);
      const learned = { ...(before ?? NOTHING), ...changes };
      networks.delete(at);
      networks.set(at, learned);
      networks = new Map([...networks].slice(-NETWORKS_MAX));
      if (before && isNearTo(before, learned)) return;
      try {
        deps.file.save({ networks: [...networks].map(([of, all]) => ({ name: of, ...all })) });
      } catch (error) {
        // Learned again after the next start; what the file system says has a code.
        if (!(error instanceof Error && "code" in error)) throw error;
        deps.log("warn", "network-not-remembered", { error: error.message });
      }
    },
  };
}

/** A file isn't written for a handshake that took a few bytes more. */
const isNearTo = (before: Learned, after: Learned): boolean =>
  (["survivedS", ...NUMBERS] as const).every((key) => {
    const [was, is] = [before[key] ?? -1, after[key] ?? -1];
    return Math.abs(was - is) <= 0.04 * Math.abs(was);
  });

function networksFrom(document: unknown): [string, Learned][] {
  const list = isRecord(document) && Array.isArray(document["networks"]) ? (document["networks"] as unknown[]) : [];
  return list.flatMap((entry): [string, Learned][] => {
    if (!isRecord(entry) || typeof entry["name"] !== "string" || !isCount(entry["survivedS"])) return [];
    const learned: Record<string, number> = { survivedS: entry["survivedS"] };
    for (const key of NUMBERS) if (isCount(entry[key])) learned[key] = entry[key];
    return [[entry["name"], learned as unknown as Learned]];
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const isCount = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;
