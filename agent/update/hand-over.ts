/**
 * The description that runs, handed over to the cloud once for each that is kept: so that a spare board that takes a dead
 * one's place runs what that one ran. A file of a few KB in parts, in the late lane; it waits for a budget that is short,
 * for an upload window, and for the end of a trial.
 */
import { createWaker } from "../cloud/waker.ts";
import type { SourceText } from "../description.ts";
import { HAND_OVER_LOOK_MS } from "../limits.ts";
import { descriptionFile } from "../wire/topics.ts";
import type { Log, Timers } from "../world.ts";
import { ArchiveError, writeArchive } from "./archive.ts";
import type { StateFile } from "./memory.ts";
import { ownFiles } from "./own-files.ts";

export interface HandedOverState {
  readonly hash: string;
  /** To whom, as agent.yaml names it: another cloud knows nothing of it. */
  readonly cloud: string;
}

export interface HandOverDeps {
  readonly timers: Timers;
  readonly log: Log;
  readonly state: StateFile<HandedOverState>;
  /** What runs and is not on trial; undefined when nothing does. */
  readonly kept: () => { readonly hash: string; readonly files: readonly SourceText[] } | undefined;
  /** Why nothing that can wait should be sent now. */
  readonly obstacle: () => string | undefined;
  readonly sender: {
    send(name: string, bytes: Uint8Array, options: { readonly givesWay: true }): { readonly id: string } | undefined;
    bytesMax(name: string): number;
    onEnded(listener: (file: { readonly id: string }, how: "sent" | "refused" | "late") => void): void;
  };
}

export interface HandOver {
  /** Resolves when aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export function createHandOver(
  deps: HandOverDeps,
  { catalogue, cloud }: { readonly catalogue: readonly string[]; readonly cloud: string },
): HandOver {
  const { log, state, kept, sender } = deps;
  const waker = createWaker(deps);
  let done: HandedOverState | undefined = state.load();
  let underWay: { readonly id: string; readonly hash: string } | undefined;
  /** One that can't be packed, or that the cloud will never take, isn't tried again and again. */
  let refused = "";

  sender.onEnded(({ id }, how) => {
    if (id !== underWay?.id) return;
    const { hash } = underWay;
    underWay = undefined;
    if (how === "refused") refused = hash;
    if (how !== "sent") return;
    done = { hash, cloud };
    try {
      state.save(done);
    } catch (error) {
      // It costs the same few KB once more after the next start.
      log("error", "hand-over-not-saved", { error: String(error) });
    }
  });

  const look = async (): Promise<void> => {
    const { hash, files } = kept() ?? {};
    if (hash === undefined || files === undefined || hash === refused || hash === underWay?.hash) return;
    if ((done?.hash === hash && done.cloud === cloud) || deps.obstacle() !== undefined) return;
    try {
      const archive = await writeArchive(ownFiles(files, catalogue));
      const name = descriptionFile(hash);
      if (archive.length > sender.bytesMax(name))
        throw new ArchiveError(`the broker takes ${sender.bytesMax(name)} of its ${archive.length} bytes`);
      const file = sender.send(name, archive, { givesWay: true });
      // Busy with another one: the next look tries again.
      if (file) underWay = { id: file.id, hash };
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      refused = hash;
      log("warn", "description-not-handed-over", { hash, error: error.message });
    }
  };

  return {
    run: async (signal) => {
      while (!signal.aborted) {
        await look();
        await waker.wait(HAND_OVER_LOOK_MS, signal);
      }
    },
  };
}
