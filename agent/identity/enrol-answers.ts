/** What comes back on `enrol/answer/{rid}`, read strictly. Throws CloudError: "stop" with the answer's words, else "retry". */
import { CloudError } from "../cloud/cloud.ts";
import { CERTIFICATE_BYTES_MAX, DESCRIPTION_PART_BYTES } from "../limits.ts";

const ERROR_LENGTH_MAX = 300;
/** Base64 of a part, and what stands around it. */
const PART_ANSWER_BYTES_MAX = 2 * DESCRIPTION_PART_BYTES;
const PARTS_MAX = 64;

export interface DescriptionPart {
  readonly hash: string;
  /** Of the whole. */
  readonly sha256: string;
  readonly parts: number;
  readonly body: Uint8Array;
}

/** {certificate} or {error, advice?}. */
export function certificateFrom(payload: Uint8Array): string {
  const answer = payload.length > CERTIFICATE_BYTES_MAX ? undefined : objectFrom(payload);
  const certificate = answer?.["certificate"];
  if (typeof certificate === "string") return certificate;
  throw refusal("the cloud gives no certificate", answer, payload);
}

/** {hash, sha256, part, parts, body} or {error, advice?}; undefined: there is none (parts 0). */
export function descriptionPartFrom(payload: Uint8Array, part: number): DescriptionPart | undefined {
  const answer = payload.length > PART_ANSWER_BYTES_MAX ? undefined : objectFrom(payload);
  const { hash, sha256, part: given, parts, body } = answer ?? {};
  if (parts === 0) return undefined;
  const isText = typeof hash === "string" && /^[0-9a-f]{16,64}$/.test(hash) && typeof sha256 === "string";
  const isCounted = given === part && typeof parts === "number" && part <= parts && parts <= PARTS_MAX;
  if (isText && isCounted && typeof body === "string")
    return { hash, sha256, parts, body: Buffer.from(body, "base64") };
  throw refusal("the cloud gives no description", answer, payload);
}

function refusal(what: string, answer: Record<string, unknown> | undefined, payload: Uint8Array): CloudError {
  const words = [answer?.["error"], answer?.["advice"]].filter((text) => typeof text === "string").join("; ");
  if (words === "") return new CloudError("retry", `enrol: an answer of ${payload.length} bytes that can't be read`);
  return new CloudError("stop", `${what}: ${words.slice(0, ERROR_LENGTH_MAX)}`);
}

function objectFrom(payload: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as unknown;
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
