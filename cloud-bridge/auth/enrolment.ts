/**
 * A board asks for a certificate: the first by its token, the next ones by the one it has. The key is the board's; the
 * same key gets the same certificate again, so that an answer may be lost on its way. Adoption throws out every other
 * board of the name in the step that makes the new one good.
 */
import { topicParts, topicsOf } from "@pump-station/agent/wire/topics.ts";
import * as z from "zod";
import { DESCRIPTION_PART_BYTES } from "../limits.ts";
import type { Identities, StoredCertificate } from "../store/identities.ts";
import type { Admission, Clock, Log, StationAuthority, StationMessage } from "../world.ts";

export interface EnrolmentDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly identities: Identities;
  readonly authority: StationAuthority;
  /** What the station ran when it was last heard of. */
  readonly description: (station: string) => Promise<HandedOver | undefined>;
  readonly send: (topic: string, payload: Uint8Array) => Promise<void>;
  /** Somebody may have been thrown out. */
  readonly onRevoked: () => void;
}

/** A request with an RSA key of 4096 bits takes 1,600; ours take 500. */
const CSR_LENGTH_MAX = 4_096;
const REQUEST = z.strictObject({ csr: z.string().min(1).max(CSR_LENGTH_MAX), adopt: z.boolean().default(false) });

const PART = z.strictObject({ part: z.number().int().min(1) });

/** An archive that a station has handed over. */
export interface HandedOver {
  /** Of the description; its first 16 digits where no more is known. */
  readonly hash: string;
  readonly sha256: string;
  readonly body: Uint8Array;
}

type Who = Pick<Admission, "station" | "by"> & { readonly serial?: string | null };
type Answer =
  | { readonly certificate: string }
  | { readonly parts: 0 }
  | {
      readonly hash: string;
      readonly sha256: string;
      readonly part: number;
      readonly parts: number;
      readonly body: string;
    }
  | { readonly error: string; readonly advice?: string };

export function createEnrolment(deps: EnrolmentDeps) {
  const { clock, log, identities, authority } = deps;

  async function answerTo(who: Admission, payload: Uint8Array): Promise<Answer> {
    const request = read(REQUEST, payload);
    if (!request) return { error: "the request is not {csr, adopt?}" };
    const { csr, adopt } = request;
    const signed = await authority.read(csr).catch((error: unknown) => ({ wrong: messageOf(error) }));
    if ("wrong" in signed) return { error: `the request can't be signed: ${signed.wrong}` };
    const { keyHash, commonName = who.station } = signed;
    if (commonName !== who.station) return { error: `the request is for ${commonName}, not for ${who.station}` };
    const known = await identities.certificates(who.station);
    const again = known.find((each) => each.keyHash === keyHash && isGood(each));
    return again ? { certificate: again.pem } : issue(who, { csr, adopt, keyHash, known });
  }

  async function issue(
    { station, by, serial: askedBy = null }: Who,
    asked: {
      readonly csr: string;
      readonly adopt: boolean;
      readonly keyHash: string;
      readonly known: readonly StoredCertificate[];
    },
  ): Promise<Answer> {
    const isAdoption = by === "token" && asked.adopt;
    if (by === "token" && !asked.adopt && asked.known.some((each) => each.usedMs !== null && isGood(each)))
      return {
        error: `another board is ${station}`,
        advice: `to take its place for ever: pump-station adopt ${station} --token TOKEN`,
      };
    const atMs = clock.wallMs();
    const { pem, serial, untilMs } = await authority.issue(asked.csr, station, atMs);
    const added = await identities.addCertificate({
      ...{ station, serial, keyHash: asked.keyHash, pem, untilMs, atMs, askedBy, isAdoption },
    });
    if (!added) return { error: `the ${by} is worth nothing any more`, advice: "ask for a new token" };
    log("info", isAdoption ? "station-adopted" : "certificate-issued", { station, serial, until: untilMs, by });
    if (isAdoption) deps.onRevoked();
    return { certificate: pem };
  }

  /** Only for who has the station's certificate: a token alone says nothing of what a station looks like. */
  async function partFor(who: Admission, payload: Uint8Array): Promise<Answer> {
    const { part } = read(PART, payload) ?? {};
    if (part === undefined) return { error: "the request is not {part}" };
    if (who.by !== "certificate") return { error: "the description is for who has the station's certificate" };
    const kept = await deps.description(who.station);
    if (!kept) return { parts: 0 };
    const { hash, sha256, body } = kept;
    const parts = Math.max(1, Math.ceil(body.length / DESCRIPTION_PART_BYTES));
    if (part > parts) return { error: `the description has ${parts} parts` };
    const bytes = body.subarray((part - 1) * DESCRIPTION_PART_BYTES, part * DESCRIPTION_PART_BYTES);
    if (part === 1) log("info", "description-taken-over", { station: who.station, hash });
    return { hash, sha256, part, parts, body: Buffer.from(bytes).toString("base64") };
  }

  const isGood = ({ revokedMs, supersededMs, untilMs }: StoredCertificate): boolean =>
    revokedMs === null && supersededMs === null && untilMs > clock.wallMs();

  return {
    /** Answers always; rejects only when the store fails. */
    onRequest: async (who: Admission, { topic, payload }: StationMessage): Promise<void> => {
      const [, what, rid = ""] = topicParts(topic)?.path ?? [];
      const answer = await (what === "description" ? partFor(who, payload) : answerTo(who, payload));
      if ("error" in answer)
        log("warn", "enrolment-refused", { station: who.station, by: who.by, error: answer.error });
      await deps.send(topicsOf(who.station).enrolAnswer(rid), new TextEncoder().encode(JSON.stringify(answer)));
    },
  };
}

function read<Shape extends z.ZodType>(shape: Shape, payload: Uint8Array): z.output<Shape> | undefined {
  try {
    return shape.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)));
  } catch {
    return undefined;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
