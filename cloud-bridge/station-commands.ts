/** `pump-station-bridge station …`: who may connect. Works on the store, also while the bridge runs beside it. */
import { STATION_NAME } from "@pump-station/agent/wire/topics.ts";
import type { Command } from "commander";
import type { StationIdentity } from "./api/contract.ts";
import { createCredentials } from "./auth/credentials.ts";
import { createEnrolmentTokens } from "./auth/enrolment-tokens.ts";
import { duration } from "./config.ts";
import { ENROLMENT_TOKEN_LIFE_MS_DEFAULT } from "./limits.ts";
import type { Store } from "./store/store.ts";
import { UsageError } from "./usage-error.ts";
import type { Chance, Clock } from "./world.ts";

export interface StationCommandDeps {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly out: (text: string) => void;
  /** Opens the store of a data folder for as long as the work takes. */
  readonly withStore: (data: string, work: (store: Store) => Promise<void>) => Promise<void>;
}

interface Options {
  readonly data: string;
  readonly token?: true;
  readonly json?: true;
  readonly valid?: string;
}

const DATA = ["--data <folder>", "the bridge's data folder"] as const;
const VALID = [
  "--valid <time>",
  "how long the token can be used",
  `${ENROLMENT_TOKEN_LIFE_MS_DEFAULT / 86_400_000}d`,
] as const;

export function addStationCommands(program: Command, deps: StationCommandDeps): void {
  const station = program.command("station").description("stations that may connect");
  station
    .command("add")
    .argument("<name>", "a-z, 0-9 and -; never reuse another station's")
    .requiredOption(...DATA)
    .option("--token", "print a one-time token for: pump-station enrol --token TOKEN")
    .option(...VALID)
    .description("add a station; prints its password once (or its enrolment token), also while the bridge runs")
    .action((name: string, options: Options) => add(deps, name, options));
  station
    .command("token")
    .argument("<name>", "a station that is there")
    .requiredOption(...DATA)
    .option(...VALID)
    .description("print a one-time token: to change from a password to a certificate, or to adopt it on a spare board")
    .action((name: string, options: Options) => newToken(deps, name, options));
  station
    .command("revoke")
    .argument("<name>", "a station that is there")
    .requiredOption(...DATA)
    .description("throw a station out at once: its certificates, its password and its token are worth nothing any more")
    .action((name: string, options: Options) => revoke(deps, name, options));
  station
    .command("list")
    .requiredOption(...DATA)
    .option("--json", "for programs")
    .description("stations, and how each proves who it is")
    .action((options: Options) => list(deps, options));
}

async function add({ clock, chance, out, withStore }: StationCommandDeps, name: string, options: Options) {
  if (!STATION_NAME.test(name)) throw new UsageError(`"${name}" is no station name: a-z, 0-9 and -, at most 64`);
  const lifeMs = tokenLifeMs(options);
  await withStore(options.data, async (store) => {
    const nowMs = clock.wallMs();
    const tokens = createEnrolmentTokens({ identities: store.identities, chance });
    const password = options.token ? undefined : await createCredentials({ store, chance }).add(name, nowMs);
    const added = options.token ? await tokens.add(name, nowMs, lifeMs) : password && { station: name, password };
    const advice = options.token ? `; for another token: pump-station-bridge station token ${name}` : "";
    if (!added) throw new Error(`add station ${name}: there is one of that name already${advice}`);
    out(`${JSON.stringify(added)}\n`);
  });
}

async function newToken({ clock, chance, out, withStore }: StationCommandDeps, name: string, options: Options) {
  const lifeMs = tokenLifeMs(options);
  await withStore(options.data, async (store) => {
    const tokens = createEnrolmentTokens({ identities: store.identities, chance });
    const token = await tokens.renew(name, clock.wallMs(), lifeMs);
    if (!token) throw unknown("make a token for", name);
    out(`${JSON.stringify(token)}\n`);
  });
}

async function revoke({ clock, out, withStore }: StationCommandDeps, name: string, options: Options) {
  await withStore(options.data, async (store) => {
    if (!(await store.identities.revoke(name, clock.wallMs()))) throw unknown("revoke", name);
    out(`${JSON.stringify({ station: name, revoked: true })}\n`);
  });
}

async function list({ clock, out, withStore }: StationCommandDeps, options: Options) {
  await withStore(options.data, async (store) => {
    const stations = await store.stations();
    if (options.json)
      return out(`${JSON.stringify(stations.map(({ station, identity }) => ({ station, ...identity })))}\n`);
    const width = Math.max(0, ...stations.map(({ station }) => station.length));
    for (const { station, identity } of stations)
      out(`${station.padEnd(width)}  ${identityText(identity, clock.wallMs())}\n`);
  });
}

/** One line for people. */
export function identityText({ by, certificateUntil, tokenUntil }: StationIdentity, nowMs: number): string {
  const token =
    tokenUntil === null ? "" : tokenUntil > nowMs ? `; token until ${dayOf(tokenUntil)}` : "; token not used in time";
  switch (by) {
    case "password":
      return `password${token}`;
    case "nothing":
      return `${tokenUntil === null ? "revoked: nobody comes in" : "not enrolled yet"}${token}`;
    case "certificate": {
      const until = certificateUntil ?? 0;
      const end = until > nowMs ? "until" : "ENDED; it has to ask for the next one, or needs a token:";
      return `certificate ${end} ${dayOf(until)}${token}`;
    }
  }
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function tokenLifeMs({ valid = "" }: Options): number {
  const read = duration.safeParse(valid);
  if (!read.success) throw new UsageError(`--valid: "${valid}" is not a time like 12h or 7d`);
  return read.data;
}

const unknown = (what: string, name: string): Error => new Error(`${what} ${name}: there is no station of that name`);
