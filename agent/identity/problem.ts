/** What went wrong with a certificate, in words that say what can be done. */
import { CloudError } from "../cloud/cloud.ts";

export const refusedTokenText = (station: string): string =>
  `the token is refused: mistyped, used for another board, or ended. A new one: pump-station-bridge station token ${station} --data FOLDER`;

/** Throws what isn't the network's, the cloud's or the disk's: a bug. */
export function problemFrom(error: unknown, hasCertificate: boolean, station: string): string {
  if (error instanceof CloudError) {
    if (error.next !== "reprovision") return error.message;
    return hasCertificate
      ? `the cloud refuses this board's certificate: it was revoked, another board has taken its place, or it ended too long ago. Readings are kept. With a new token: pump-station enrol --token TOKEN`
      : refusedTokenText(station);
  }
  if (error instanceof Error && "code" in error) return `the new key can't be kept: ${error.message}`;
  throw error;
}
