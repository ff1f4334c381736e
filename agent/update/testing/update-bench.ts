/** Updates of a description without ports or network: a server that breaks off, devices that answer as a test says. */
import { createHash } from "node:crypto";
import { CloudError } from "../../cloud/cloud.ts";
import { type Answer, STATION, stationFile, trialBench, valveType } from "../../going-live/testing/trial-bench.ts";
import { createStateStore } from "../../state/state-store.ts";
import type { MemoryFiles } from "../../testing/memory-files.ts";
import type { SimulatedTime } from "../../testing/simulated-time.ts";
import type { JsonObject } from "../../wire/twin-document.ts";
import { DownloadError, type DownloadRequest, type Downloads, type Files } from "../../world.ts";
import { writeArchive } from "../archive.ts";
import type { RanBefore, UpdateState } from "../memory.ts";
import { publicKeyText, type SigningKey, signatureText, signingKeyFrom } from "../signing.ts";
import { createUpdates } from "../updates.ts";

export const KEY = signingKeyFrom(new Uint8Array(32).fill(7));
export const OLD = stationFile({ one: "" });
export const SLOWER = stationFile({ one: "every: 20s" });
export { type Answer, STATION, stationFile, valveType };
export const PROOF_MS = 3_600_000;

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const sumOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export interface MemoryServer extends Downloads {
  file: Uint8Array;
  etag: string | undefined;
  /** Each GET breaks off after so many bytes of its own; the last for all that follow. */
  cuts: number[];
  failure: DownloadError | undefined;
  readonly gets: DownloadRequest[];
}

export function createMemoryServer(file: Uint8Array = new Uint8Array()): MemoryServer {
  const server: MemoryServer = {
    file,
    etag: '"1"',
    cuts: [],
    failure: undefined,
    gets: [],
    get: async (request, taker) => {
      server.gets.push(request);
      await Promise.resolve();
      if (server.failure) throw server.failure;
      if (request.from > server.file.length) throw new DownloadError("other-file", "416");
      const isSame = request.etag === undefined || request.etag === server.etag;
      const from = request.from > 0 && isSame ? request.from : 0;
      if (server.file.length > request.bytesMax) throw new DownloadError("too-large", `${server.file.length} bytes`);
      taker.onHead({ from, bytes: server.file.length, ...(server.etag !== undefined && { etag: server.etag }) });
      const cut = (server.cuts.length > 1 ? server.cuts.shift() : server.cuts[0]) ?? Infinity;
      const rest = server.file.subarray(from);
      for (let at = 0; at < Math.min(cut, rest.length); at += 100) {
        taker.onPiece(rest.subarray(at, Math.min(at + 100, cut)));
        await Promise.resolve();
      }
      if (cut < rest.length) throw new DownloadError("unreachable", "it broke off");
    },
  };
  return server;
}

export interface Sent {
  readonly archive: Uint8Array;
  readonly desired: JsonObject;
}

/** What a cloud team sends; `types`: device files by name. */
export async function sent(
  station: string,
  basedOn: string,
  more: {
    readonly types?: Readonly<Record<string, string>>;
    readonly key?: SigningKey;
    readonly comment?: string;
    readonly desired?: JsonObject;
  } = {},
): Promise<Sent> {
  const types = Object.entries(more.types ?? {}).map(([name, text]) => ({
    name: `devices/${name}.yaml`,
    bytes: bytesOf(text),
  }));
  const archive = await writeArchive([{ name: "station.yaml", bytes: bytesOf(station) }, ...types]);
  return {
    archive,
    desired: {
      url: "https://cloud.example/lake.tar.gz",
      sha256: sumOf(archive),
      signature: signatureText(archive, more.key ?? KEY, more.comment ?? "station:lake"),
      "based-on": basedOn,
      ...more.desired,
    },
  };
}

export interface UpdateBenchParts {
  readonly files?: MemoryFiles;
  readonly time?: SimulatedTime;
  readonly server?: MemoryServer;
  /** What the updates see of the files. */
  readonly seenAs?: Files;
}

export function updateBench(parts: UpdateBenchParts = {}) {
  const trial = trialBench({ ...(parts.files && { files: parts.files }), ...(parts.time && { time: parts.time }) });
  const { files, time, goingLive, ran } = trial;
  if (!files.contents.has("/keys/team.pub")) files.write("/keys/team.pub", publicKeyText(KEY));
  const server = parts.server ?? createMemoryServer();
  const cloud = { accepted: 0, isReached: true, obstacle: undefined as string | undefined };
  const log: string[] = [];
  const said: string[] = [];
  const logTo = (_: string, event: string, fields = {}) => void log.push(`${event} ${JSON.stringify(fields)}`);
  let isDead = false;
  const seen = unlessDead(parts.seenAs ?? files, () => isDead);
  const state = createStateStore({ files: seen, log: logTo }, "/state");
  const updates = createUpdates(
    {
      ...time,
      chance: { fraction: () => 0.5, bytes: (count) => new Uint8Array(count) },
      log: logTo,
      files: seen,
      downloads: server,
      state: state.document<UpdateState>("update"),
      history: state.document<readonly RanBefore[]>("descriptions-before"),
      goingLive,
      runs: () => ran.at(-1)?.hash ?? "",
      accepted: () => cloud.accepted,
      obstacle: () => cloud.obstacle,
      onChanged: () => void said.push(JSON.stringify(updates.acknowledgements()[0]?.ack)),
    },
    {
      station: "lake",
      path: STATION,
      folders: ["/devices"],
      deviceFolder: "/devices",
      folder: "/data/update",
      trustedKeys: "/keys",
      isPlainAllowed: false,
      proofMs: PROOF_MS,
    },
  );
  const stop = new AbortController();
  let ended: Promise<unknown> = Promise.resolve();
  return {
    ...trial,
    updates,
    server,
    cloud,
    log,
    said,
    text: (path: string) => {
      const bytes = files.contents.get(path);
      return bytes && new TextDecoder().decode(bytes);
    },
    ack: () => updates.acknowledgements()[0]?.ack,
    hash: () => ran.at(-1)?.hash ?? "",
    start: async () => {
      updates.recover();
      await goingLive.start();
      ended = updates.run(stop.signal);
      // Told to who awaits a stop in order; after a power cut nobody does.
      ended.catch(() => undefined);
      updates.onConnection({
        getTwin: async () => {
          if (!cloud.isReached) throw new CloudError("reconnect", "away");
          return {};
        },
      } as Parameters<typeof updates.onConnection>[0]);
    },
    desire: (desired: JsonObject | undefined, version = 1) => updates.aim(desired, version),
    /** A message is acknowledged now and then. */
    reach: () => void cloud.accepted++,
    stopInOrder: async () => {
      stop.abort();
      await goingLive.stop(true);
      await ended;
    },
    /** As by kill -9: nothing that it does from now on reaches the disk. */
    kill: () => {
      isDead = true;
      trial.killed();
      stop.abort();
    },
  };
}

function unlessDead(files: Files, isDead: () => boolean): Files {
  const only =
    <T extends unknown[]>(write: (...args: T) => void) =>
    (...args: T): void => {
      if (!isDead()) write(...args);
    };
  return {
    ...files,
    writeDurably: only(files.writeDurably),
    writeAt: only(files.writeAt),
    remove: only(files.remove),
  };
}

/** Device files that nobody uses and nothing packs small: some kilobytes on the way. */
export const spares = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `spare-${at}`,
      Array.from({ length: 20 }, (__, line) => `# ${sumOf(bytesOf(`${at} ${line}`))}`).join("\n"),
    ]),
  );
