/** What went wrong with a board's identity, and what can be done, in words for whoever reads `status`. */
import { CloudError } from "../cloud/cloud.ts";
import type { Enrolment } from "./enrolment.ts";

export const tokenText = (station: string): string =>
  `a new one: pump-station-bridge station token ${station} --data FOLDER`;

/** Of clouds that take the bridge's tokens. */
export const tokenWords = (station: string): NonNullable<Enrolment["advice"]> => ({
  refused: `the token is refused: mistyped, used for another board, or ended; ${tokenText(station)}`,
  again: "with a new token: pump-station enrol --token TOKEN",
});

/** Throws what isn't the network's, the cloud's or the disk's: a bug. */
export function problemFrom(error: unknown, hasCertificate: boolean, words: NonNullable<Enrolment["advice"]>): string {
  if (error instanceof CloudError) {
    if (error.next !== "reprovision") return error.message;
    return hasCertificate
      ? `the cloud refuses this board's certificate: it was revoked, another board has taken its place, or it ended too long ago. Readings are kept. To come back: ${words.again}`
      : words.refused;
  }
  if (error instanceof Error && "code" in error) return `the new key can't be kept: ${error.message}`;
  throw error;
}

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
