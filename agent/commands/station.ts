/** What the station's own commands do. Each answers with what it knows; what must not be done now is a 409 with the reason. */
import type { CommandAnswer, CommandCall } from "../cloud/cloud.ts";
import { CloudError } from "../cloud/cloud.ts";
import { RESTART_AFTER_MS } from "../limits.ts";
import type { LiveValue } from "../status.ts";
import type { Json, JsonObject } from "../wire/twin-document.ts";
import type { Clock, Log, Timers } from "../world.ts";
import type { SentFile } from "./file-parts.ts";
import type { OnSite, OnSiteStatus } from "./on-site.ts";
import type { StationRuns } from "./plan.ts";

export interface StationRunDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly onSite: OnSite;
  /** Names of the devices that are asked; those that are paused aren't among them. */
  readonly asked: () => readonly string[];
  /** Asks a device out of turn; resolves when its sample has gone its way. */
  readonly poll: (device: string) => Promise<void>;
  /** Throws Error that names what there is. */
  readonly values: (device?: string, channel?: string) => readonly LiveValue[];
  /** Rejects with CloudError. */
  readonly upload: () => Promise<{ readonly messages: number; readonly bytes: number }>;
  /** Throws Error that names what there is. */
  readonly explain: (device: string) => unknown;
  readonly settings: () => unknown;
  /** Why nothing large may be sent now. */
  readonly isShort: () => string | undefined;
  /** At most so many bytes; what is too long is cut. Rejects with Error. */
  readonly diagnostics: (bytesMax: number) => Promise<Uint8Array>;
  /** How large a file of that name may be to go over the connection that there is; 0: it takes none. */
  readonly fileBytesMax: (name: string) => number;
  /** undefined: another file is under way. */
  readonly send: (name: string, bytes: Uint8Array) => SentFile | undefined;
  /** What must not be interrupted now, in words. */
  readonly busy: () => string | undefined;
  /** Ends the process in order, to be started again. */
  readonly restart: () => void;
}

const DIAGNOSTICS = "diagnostics.tar.gz";

export function createStationRuns(deps: StationRunDeps): StationRuns {
  const { clock, onSite } = deps;
  const valuesOf = (device?: string, channel?: string): Json => ({
    values: deps.values(device, channel).map((value) => spoken(value, clock)),
  });

  return {
    "read-now": {
      run: async ({ device, channel }) => {
        const asked = deps.asked();
        if (device !== undefined && !asked.includes(device))
          return { status: 404, text: `${device} is not asked; there are ${asked.join(", ")}` };
        await Promise.all((device === undefined ? asked : [device]).map((name) => deps.poll(name)));
        return named(() => ({ status: 200, text: "read", body: valuesOf(device, channel) }));
      },
      known: ({ device, channel }) => valuesOf(device, channel),
    },
    "upload-now": {
      run: async () => {
        try {
          const sent = await deps.upload();
          return { status: 200, text: `sent ${sent.messages} messages, ${sent.bytes} bytes`, body: { ...sent } };
        } catch (error) {
          if (!(error instanceof CloudError)) throw error;
          return { status: 502, text: error.message };
        }
      },
    },
    explain: {
      run: async ({ device }) => named(() => ({ status: 200, text: "explained", body: plain(deps.explain(device)) })),
    },
    settings: {
      run: async () => ({ status: 200, text: "settings", body: { settings: plain(deps.settings()) } }),
    },
    diagnostics: {
      run: async ({ force = false }) => {
        const short = force ? undefined : deps.isShort();
        if (short !== undefined) return { status: 409, text: `${short}; {"force": true} sends all the same` };
        const bytesMax = deps.fileBytesMax(DIAGNOSTICS);
        if (bytesMax === 0) return { status: 413, text: "not sent: the broker takes no message that is large enough" };
        const file = deps.send(DIAGNOSTICS, await deps.diagnostics(bytesMax));
        if (!file) return { status: 409, text: "another file is being sent" };
        return { status: 200, text: `sends ${file.bytes} bytes in ${file.parts} parts`, body: { ...file } };
      },
    },
    "on-site": {
      run: async (given, call) => {
        const refusal = given.for !== undefined || given.end ? refusalOf(onSite.now(), given) : undefined;
        if (refusal) return refusal;
        if (given.end) onSite.end(`ended by ${whoOf(call)}`);
        // What was begun at the station stays the station's, however long the cloud makes it.
        const ours = onSite.now()?.isOurs ? onSite.now() : undefined;
        if (given.for !== undefined) onSite.begin(given.for, ours?.by ?? whoOf(call), ours !== undefined);
        const now = onSite.now();
        return {
          status: 200,
          text: onSite.obstacle() ?? "nobody is on site",
          body: { "on-site": now ? said(now) : null },
        };
      },
    },
    restart: {
      run: async ({ force = false }) => {
        const because = force ? undefined : (onSite.obstacle() ?? deps.busy());
        if (because !== undefined) return { status: 409, text: `${because}; {"force": true} restarts all the same` };
        deps.timers.after(RESTART_AFTER_MS, () => {
          deps.log("info", "agent-restarts", { because: "command" });
          deps.restart();
        });
        return { status: 200, text: `restarts in ${RESTART_AFTER_MS / 1000} s` };
      },
    },
  };
}

const whoOf = ({ by }: CommandCall): string => by ?? "the cloud";

/** Who began it at the station relies on it: the cloud makes it longer, never shorter. */
function refusalOf(
  now: OnSiteStatus | undefined,
  given: { readonly for?: number | undefined; readonly end?: boolean | undefined },
): CommandAnswer | undefined {
  if (!now?.isOurs || (given.for !== undefined && given.for >= now.leftMs)) return undefined;
  const left = Math.ceil(now.leftMs / 60_000);
  return {
    status: 409,
    text: `on-site mode was begun at the station and has ${left} min left: it ends there, with: pump-station onsite end`,
  };
}

/** For messages and the twin. */
export const said = ({ until, leftMs, by, isUnsure }: OnSiteStatus): JsonObject => ({
  ...(until !== undefined && { until }),
  "left-s": Math.round(leftMs / 1000),
  by,
  ...(isUnsure && { unsure: true }),
});

/** An old value keeps its own time. */
const spoken = ({ ageMs, ...value }: LiveValue, clock: Clock): Json => ({
  ...value,
  ...(clock.isWallTrusted() ? { at: Math.round(clock.wallMs() - ageMs) } : { "age-s": Math.round(ageMs / 1000) }),
});

/** JSON drops what is undefined, as the message would. */
const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

/** What throws names what there is. */
function named(answer: () => CommandAnswer): CommandAnswer {
  try {
    return answer();
  } catch (error) {
    return { status: 404, text: error instanceof Error ? error.message : String(error) };
  }
}
