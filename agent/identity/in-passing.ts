/** The next certificate, asked for on the connection that stands: saves a handshake, most of what a renewal costs. */
import { type CloudConnection, CloudError } from "../cloud/cloud.ts";
import type { Log } from "../world.ts";
import { certificateFrom } from "./enrol-answers.ts";

/** Resolves with the certificate, PEM; undefined: not that way. */
export async function askInPassing(
  { log }: { readonly log: Log },
  standing: Pick<CloudConnection, "requestCertificate"> | undefined,
  csr: string,
): Promise<string | undefined> {
  try {
    const answer = await standing?.requestCertificate?.(csr);
    return answer && certificateFrom(answer);
  } catch (error) {
    // A bridge of an older release, or a link that broke: a connection of its own says more.
    if (!(error instanceof CloudError)) throw error;
    log("info", "identity-not-in-passing", { error: error.message });
    return undefined;
  }
}
