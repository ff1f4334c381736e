/**
 * Descriptions that the cloud sends: desired `description` says where one lies, of what it is made and what it follows;
 * this brings it here, checks it, puts it to work and says what became of it. Level-triggered: every look goes by what
 * is desired now, what lies on disk and what runs.
 *
 *   202 waits | downloading | on trial     200 it runs, and the cloud was reached with it
 *   400 no signature that counts, broken, for another station; "409: …": the file was changed on site
 *   500 rolled back, or it could not be written
 */

import type { CloudConnection } from "../cloud/cloud.ts";
import { createWaker } from "../cloud/waker.ts";
import type { GoingLive } from "../going-live/going-live.ts";
import { DOWNLOAD_REFUSED_RETRY_MS } from "../limits.ts";
import type { Acknowledgement } from "../twin/applied.ts";
import type { Json } from "../wire/twin-document.ts";
import { type Chance, type Clock, DownloadError, type Downloads, type Files, type Log, type Timers } from "../world.ts";
import { candidateFrom, type Places } from "./candidate.ts";
import { createDownload } from "./download.ts";
import { createMemory, type RanBefore, type StateFile, type UpdateState } from "./memory.ts";
import { createOnSite } from "./on-site.ts";
import { isSigned, misdirection, signerOf } from "./signature.ts";
import { FAILURES_SAID, freshTries } from "./tries.ts";
import { trustedKeys } from "./trusted-keys.ts";
import { createTrying } from "./trying.ts";
import { readOrRefusal, UpdateRefused, type WantedUpdate } from "./wanted.ts";

export interface UpdatesDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  readonly files: Files;
  readonly downloads: Downloads;
  readonly state: StateFile<UpdateState>;
  readonly history: StateFile<readonly RanBefore[]>;
  readonly goingLive: Pick<GoingLive, "trial" | "tryNow" | "running">;
  /** Hash of what runs; empty when nothing does. */
  readonly runs: () => string;
  /** Messages that the cloud has accepted since this process began. */
  readonly accepted: () => number;
  /** Why nothing that isn't urgent may be downloaded now, in words. */
  readonly obstacle: () => string | undefined;
  /** What is acknowledged has changed. */
  readonly onChanged: () => void;
}

export interface UpdatesConfig extends Places {
  /** For what is downloaded. */
  readonly folder: string;
  /** Folder of *.pub files. */
  readonly trustedKeys: string;
  readonly isPlainAllowed: boolean;
  readonly proofMs: number;
}

export interface Updates {
  /** Before the first description goes live. */
  recover(): void;
  /** Resolves when aborted. Rejects only on a bug. */
  run(signal: AbortSignal): Promise<void>;
  /** What is desired, as of this version; undefined: nothing. */
  aim(desired: Json | undefined, version: number): void;
  onConnection(connection: CloudConnection | undefined): void;
  acknowledgements(): readonly Acknowledgement[];
}

const LOOK_EVERY_MS = 10_000;

interface Said {
  readonly ac: 200 | 202 | 400 | 500;
  readonly ad: string;
}

export function createUpdates(deps: UpdatesDeps, config: UpdatesConfig): Updates {
  const { clock, files, log, goingLive, runs } = deps;
  const memory = createMemory({ file: deps.state, log });
  const onSite = createOnSite(deps, config);
  const trying = createTrying({ ...deps, memory, onSite }, config);
  const waker = createWaker(deps);
  const download = createDownload(
    {
      ...deps,
      part: {
        get now() {
          return memory.now.part;
        },
        change: (part) => void memory.change({ part }),
      },
      onProgress: () => say(202, downloadWords()),
    },
    `${config.folder}/description.part`,
  );
  let aimed: Aimed | undefined;
  let connection: CloudConnection | undefined;
  /** Nothing yet of what is desired now. */
  let said: Said | undefined;
  let since = clock.bootMs();
  let tries = freshTries(deps);

  const say = (ac: Said["ac"], ad: string): void => {
    if (said?.ac === ac && said.ad === ad) return;
    if (said?.ac !== ac) since = clock.bootMs();
    said = { ac, ad };
    deps.onChanged();
  };
  const downloadWords = (): string => {
    const percent = download.percent();
    const failing = tries.failures >= FAILURES_SAID ? `; it fails: ${tries.reason}` : "";
    return `downloading${percent === undefined ? "" : `, ${percent} %`}${failing}`.slice(0, 300);
  };

  /** What can be said before a byte is paid for. Throws UpdateRefused. */
  const checkBefore = (wanted: WantedUpdate): void => {
    const { keys, unusable } = trustedKeys(files, config.trustedKeys);
    if (keys.length === 0) {
      const advice = unusable[0] ?? `put one into ${config.trustedKeys}/NAME.pub`;
      throw new UpdateRefused(400, `this station trusts no key: ${advice}`);
    }
    inWords(() => signerOf(wanted.signature, keys));
    const problem = misdirection(wanted.signature.trustedComment, { station: config.station, basedOn: wanted.basedOn });
    if (problem !== undefined) throw new UpdateRefused(400, problem);
    const { fileHash } = goingLive.trial();
    if (!onSite.isBase(wanted.basedOn, fileHash)) {
      throw new UpdateRefused(400, onSite.changedSince(wanted.basedOn, fileHash));
    }
  };

  /** Checks and puts to work what is here. Throws UpdateRefused. */
  const takeOver = async (wanted: WantedUpdate, archive: Uint8Array): Promise<void> => {
    const signer = signerOf(wanted.signature, trustedKeys(files, config.trustedKeys).keys);
    if (!isSigned(archive, wanted.signature, signer)) {
      throw new UpdateRefused(400, `the archive is not what the key ${signer.id} has signed`);
    }
    memory.change({ attempt: { id: wanted.id, phase: "check" } });
    const candidate = await candidateFrom(files, config, archive);
    const onDisk = onSite.hash();
    if (onDisk === candidate.hash && runs() === candidate.hash) {
      return finish(wanted, { ac: 200, ad: "" }, candidate.hash);
    }
    if (!onSite.isBase(wanted.basedOn, onDisk)) {
      throw new UpdateRefused(400, onSite.changedSince(wanted.basedOn, onDisk));
    }
    await trying.begin(wanted.id, candidate);
    download.forget();
  };

  const finish = (wanted: WantedUpdate, end: { ac: 200 | 400; ad: string }, hash?: string): void => {
    download.forget();
    memory.change({ attempt: { id: wanted.id, phase: "done", end, ...(hash !== undefined && { hash }) } });
    log(end.ac === 200 ? "info" : "error", "update-ended", {
      ...end,
      ...(wanted.version && { version: wanted.version }),
    });
  };

  const bring = async (wanted: WantedUpdate, signal: AbortSignal): Promise<Uint8Array | undefined> => {
    const obstacle = wanted.isUrgent ? undefined : deps.obstacle();
    if (obstacle !== undefined) say(202, `waits: ${obstacle}; urgent: true doesn't`);
    if (obstacle !== undefined || tries.nextAt > clock.bootMs()) return undefined;
    say(202, downloadWords());
    try {
      return await download.fetch(wanted, signal);
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      if (signal.aborted) return undefined;
      log("warn", "update-download-failed", { host: new URL(wanted.url).host, error: error.message });
      if (error.failure === "too-large") throw new UpdateRefused(400, `the archive is too large: ${error.message}`);
      tries.failed(error, clock.bootMs());
      say(202, downloadWords());
      return undefined;
    }
  };

  /** Resolves with the wait until the next look, in ms. */
  const follow = async (wanted: WantedUpdate, signal: AbortSignal): Promise<number> => {
    if (tries.of !== `${wanted.id} ${wanted.url}`) tries = freshTries(deps, `${wanted.id} ${wanted.url}`);
    const { attempt } = memory.now;
    if (attempt?.id === wanted.id && attempt.end) {
      const isChanged =
        attempt.end.ac === 200 && runs() !== attempt.hash && goingLive.trial().fileHash !== attempt.hash;
      if (isChanged) say(400, onSite.changedSince(attempt.hash ?? "", goingLive.trial().fileHash));
      else say(attempt.end.ac, attempt.end.ad);
      return LOOK_EVERY_MS;
    }
    if (wanted.hash !== undefined && wanted.hash === runs() && wanted.hash === goingLive.trial().fileHash) {
      finish(wanted, { ac: 200, ad: "" }, wanted.hash);
      return 0;
    }
    checkBefore(wanted);
    const archive = await bring(wanted, signal);
    if (!archive)
      return tries.nextAt > clock.bootMs() ? Math.min(LOOK_EVERY_MS, tries.nextAt - clock.bootMs()) : LOOK_EVERY_MS;
    try {
      await takeOver(wanted, archive);
    } catch (error) {
      if (!(error instanceof UpdateRefused)) throw error;
      // What a person on site can mend (a folder that can't be written) is tried again; a bad archive stays one.
      if (error.ac === 400 && !error.message.startsWith("409")) finish(wanted, { ac: 400, ad: error.message });
      else memory.change({ attempt: undefined });
      if (error.ac === 500) tries.nextAt = clock.bootMs() + DOWNLOAD_REFUSED_RETRY_MS;
      throw error;
    }
    return 0;
  };

  const step = async (signal: AbortSignal): Promise<number> => {
    onSite.note();
    if (trying.isUnderWay) {
      const waitMs = await trying.step(connection);
      if (trying.isUnderWay) say(202, trying.words);
      return waitMs;
    }
    if (!aimed) return LOOK_EVERY_MS;
    const { wanted } = aimed;
    if (wanted === undefined) {
      if (memory.now.part) download.forget();
      if (memory.now.attempt) memory.change({ attempt: undefined });
      return LOOK_EVERY_MS;
    }
    try {
      if (wanted instanceof UpdateRefused) throw wanted;
      return await follow(wanted, signal);
    } catch (error) {
      if (!(error instanceof UpdateRefused)) throw error;
      say(error.ac, error.message);
      return LOOK_EVERY_MS;
    }
  };

  /** A disk that is full or worn costs the update, never the station. */
  const unlessDisk = async (work: () => Promise<number>): Promise<number> => {
    try {
      return await work();
    } catch (error) {
      // What the file system says has a code; everything else is a bug.
      if (!(error instanceof Error && "code" in error)) throw error;
      log("error", "update-failed", { error: error.message });
      if (memory.now.attempt?.phase === "check") memory.change({ attempt: undefined });
      say(500, `the station's disk: ${error.message}`.slice(0, 300));
      return LOOK_EVERY_MS;
    }
  };

  return {
    recover: () => trying.recover(),
    run: async (signal) => {
      while (!signal.aborted) {
        const waitMs = await unlessDisk(() => step(signal));
        if (waitMs > 0) await waker.wait(waitMs, signal);
      }
      trying.stop();
    },
    aim: (desired, version) => {
      const text = JSON.stringify(desired);
      if (aimed?.text === text) {
        aimed = { ...aimed, version };
        return;
      }
      aimed = {
        text,
        version,
        wanted: desired === undefined ? undefined : readOrRefusal(desired, config.isPlainAllowed),
      };
      said = undefined;
      waker.wake();
    },
    onConnection: (next) => {
      connection = next;
      // The network is there: no reason to wait any longer.
      if (next) tries.nextAt = Math.min(tries.nextAt, tries.isRefused ? Infinity : clock.bootMs());
      waker.wake();
    },
    acknowledgements: () => {
      if (!aimed || !said) return [];
      const { wanted, version } = aimed;
      const attempt =
        wanted instanceof UpdateRefused || memory.now.attempt?.id !== wanted?.id ? undefined : memory.now.attempt;
      const hash = wanted instanceof UpdateRefused ? undefined : (wanted?.hash ?? attempt?.hash);
      return [{ path: "description", ack: { value: runs() || null, av: version, ...said }, wanted: hash, since }];
    },
  };
}

interface Aimed {
  /** As JSON, to tell whether something else is desired. */
  readonly text: string | undefined;
  readonly version: number;
  readonly wanted: WantedUpdate | UpdateRefused | undefined;
}

/** Throws UpdateRefused with what was wrong with a signature. */
function inWords(check: () => unknown): void {
  try {
    check();
  } catch (error) {
    throw new UpdateRefused(400, error instanceof Error ? error.message : String(error));
  }
}
