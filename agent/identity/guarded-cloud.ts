/** A cloud that tells whether the certificate is refused. Whoever was thrown out comes back seldom. */
import { type Cloud, type CloudConnection, CloudError } from "../cloud/cloud.ts";
import type { Chance } from "../world.ts";
import { createPauses } from "./pauses.ts";

export interface GuardedBy {
  /** Without one a refusal is that of a password: somebody mends it, here or there. */
  readonly hasCertificate: () => boolean;
  /** There is nothing to come in with yet. */
  readonly isEnrolling: () => boolean;
  readonly onEnrolled: (listener: () => void) => void;
  readonly onAccepted: () => void;
  readonly onRefused: () => void;
}

export function guardedCloud(deps: { readonly chance: Chance }, cloud: Cloud, by: GuardedBy): Cloud {
  const pauses = createPauses(deps);
  const waiting = new Set<() => void>();
  by.onEnrolled(() => {
    pauses.reset();
    for (const go of [...waiting]) go();
  });

  const enrolled = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const go = (): void => {
        waiting.delete(go);
        signal.removeEventListener("abort", abort);
        resolve();
      };
      const abort = (): void => {
        waiting.delete(go);
        reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
      };
      waiting.add(go);
      signal.addEventListener("abort", abort, { once: true });
    });

  return {
    connect: async (signal): Promise<CloudConnection> => {
      signal.throwIfAborted();
      if (by.isEnrolling()) await enrolled(signal);
      try {
        const connection = await cloud.connect(signal);
        pauses.reset();
        by.onAccepted();
        return connection;
      } catch (error) {
        if (!(error instanceof CloudError) || error.next !== "reprovision" || !by.hasCertificate()) throw error;
        by.onRefused();
        const afterMs = pauses.next();
        throw new CloudError("retry-after", `the certificate is refused: ${error.message}`, { cause: error, afterMs });
      }
    },
  };
}
