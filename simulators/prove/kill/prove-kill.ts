/** `prove kill`: the run, from the first kill to the verdict. */
import type { StreamRanges } from "@pump-station/agent/wire/messages.ts";
import type { Programs } from "../../run/layout.ts";
import type { Child } from "../../world.ts";
import { createDraws } from "../chance.ts";
import { createFaults, type Faults } from "./faults.ts";
import { openProvenHouse, type ProveDeps, type ProvenHouse } from "./house.ts";
import { type Killing, killAgainAndAgain } from "./killing.ts";
import { createPromises, type Promised, type Promises } from "./promises.ts";
import { BOARDS, STATION } from "./proven-station.ts";
import { killReport } from "./report.ts";
import { createSentMessages, type SentMessages } from "./sent-messages.ts";
import { judge, type StoredRow } from "./verdict.ts";

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  readonly programs: Programs;
  /** An empty folder. */
  readonly root: string;
}

const BRIDGE_SHARE = 0.25;
const AGENT_AT_WORK_MS_MAX = 3_000;
const BRIDGE_AT_WORK_MS_MAX = 8_000;
/** Shares of the agent's kills during which the hole is open: whole lives fall into it, and parts of some. */
const HOLES = [
  [0.25, 0.45],
  [0.65, 0.8],
] as const;
const SWALLOWED_MIN = 2;
const LOOK_EVERY_MS = 500;
/** Nothing has changed for so long: what lacks now will lack for ever. */
const STANDSTILL_MS = 30_000;
const DRAIN_MS_MAX = 300_000;
const STOP_PATIENCE_MS = 20_000;
const PAGE_ROWS = 20_000;
const ALARMS_LISTED_MAX = 1_000;
const PROGRESS_EVERY = 25;

interface Proof {
  readonly deps: ProveDeps & { readonly kill: (child: Child) => void };
  readonly options: KillOptions;
  readonly house: ProvenHouse;
  readonly faults: Faults;
  readonly sent: SentMessages;
  readonly promises: Promises;
  /** Whatever runs, to be ended whatever happens. */
  readonly running: { agent?: Child; bridge?: Child };
}

/** Resolves with whether everything is accounted for. */
export async function proveKill(deps: Proof["deps"], options: KillOptions): Promise<boolean> {
  const draws = createDraws(options.seed);
  const sent = createSentMessages();
  const faults = createFaults(draws.fork(1), sent);
  const house = await openProvenHouse(deps, options.programs, options.root, faults);
  const promises = createPromises(deps.databases, `${house.layout.agentData}/readings.db`);
  const proof: Proof = { deps, options, house, faults, sent, promises, running: {} };
  const startedMs = deps.clock.bootMs();
  try {
    proof.running.bridge = await house.prepare();
    const [agent, bridge] = await killBoth(proof);
    await openHoleOnceMore(proof);
    const killedMs = deps.clock.bootMs() - startedMs;
    await drain(proof);
    const verdict = await verdictOf(proof);
    const tookMs = deps.clock.bootMs() - startedMs;
    const figures = { agent: agent.counts, bridge: bridge.counts, faults: faults.counts, sent, killedMs, tookMs };
    for (const line of killReport(verdict, { ...figures, seed: options.seed })) deps.say(line);
    if (verdict.problems.length > 0) deps.say(`Files and logs: ${options.root}`);
    return verdict.problems.length === 0;
  } finally {
    await proof.running.agent?.stop(STOP_PATIENCE_MS);
    await proof.running.bridge?.stop(STOP_PATIENCE_MS);
    await house.close();
  }
}

async function killBoth(proof: Proof): Promise<readonly [Killing, Killing]> {
  const { deps, options, house, faults, promises, running, sent } = proof;
  const bridgeKills = Math.round(options.kills * BRIDGE_SHARE);
  const agentKills = options.kills - bridgeKills;
  const draws = createDraws(options.seed);
  let epochs = 0;
  let samplesSent = 0;
  const witness = () => lookIfThere(promises);
  const agent = {
    start: () => {
      epochs = promises.epochs.size;
      samplesSent = sent.samples;
      return (running.agent = house.startAgent());
    },
    stages: [
      {
        name: "after its first commit",
        isReached: () => {
          witness();
          return promises.epochs.size > epochs;
        },
      },
      { name: "after it had sent", isReached: () => sent.samples > samplesSent },
    ],
    witness,
  };
  const bridge = {
    start: () => (running.bridge = house.startBridge()),
    stages: [
      {
        name: "after it had answered",
        isReached: () =>
          deps.http.request("GET", `${house.api.url}/api/health`).then(
            () => true,
            () => false,
          ),
      },
    ],
    witness,
  };
  const onAgentKilled = (killed: number) => {
    const share = killed / agentKills;
    faults.setHole(HOLES.some(([from, to]) => from <= share && share < to));
    if (killed % PROGRESS_EVERY === 0)
      deps.say(`  ${killed} of ${agentKills} agents killed, ${promises.samples.size} samples committed`);
  };
  return Promise.all([
    killAgainAndAgain(
      { ...deps, draws: draws.fork(2) },
      agent,
      { kills: agentKills, atWorkMsMax: AGENT_AT_WORK_MS_MAX },
      onAgentKilled,
    ),
    killAgainAndAgain({ ...deps, draws: draws.fork(3) }, bridge, {
      kills: bridgeKills,
      atWorkMsMax: BRIDGE_AT_WORK_MS_MAX,
      ...(running.bridge && { first: running.bridge }),
    }),
  ]);
}

/** Before the first start there is no file, and while one is made there are no tables. */
function lookIfThere(promises: Promises): void {
  try {
    promises.look();
  } catch (error) {
    if (!/unable to open|no such table|does not exist/.test(String(error))) throw error;
  }
}

/** A short run may have swallowed nothing. */
async function openHoleOnceMore({ deps, faults, promises }: Proof): Promise<void> {
  const endMs = deps.clock.bootMs() + STANDSTILL_MS;
  faults.setHole(true);
  while (faults.counts.batchesSwallowed < SWALLOWED_MIN && deps.clock.bootMs() < endMs) {
    await deps.timers.sleep(LOOK_EVERY_MS);
    lookIfThere(promises);
  }
  faults.setHole(false);
}

/** No more faults, and an agent that begins anew: waits until all that was committed by now is stored, or nothing moves. */
async function drain({ deps, house, faults, promises, running }: Proof): Promise<void> {
  faults.end();
  await running.agent?.stop(STOP_PATIENCE_MS);
  promises.look();
  const awaited = [...promises.samples.values()];
  running.agent = house.startAgent();
  deps.say(`  ${awaited.length} samples are committed; faults have ended, waiting until they are stored`);
  const endMs = deps.clock.bootMs() + DRAIN_MS_MAX;
  let before = "";
  for (let movedMs = deps.clock.bootMs(); deps.clock.bootMs() < endMs; ) {
    await deps.timers.sleep(LOOK_EVERY_MS);
    // Read before the ledger, which has to have all of it.
    const believed = promises.receipts();
    const ledger = await house.api.ledger(STATION).catch(() => []);
    const entries = new Map(ledger.map((entry) => [`${entry.epoch} ${entry.stream}`, entry]));
    const lacking = awaited.filter(
      ({ epoch, stream, sequence }) =>
        !entries.get(`${epoch} ${stream}`)?.stored.some(([first, last]) => first <= sequence && sequence <= last),
    );
    const isGone = ledger.some(({ dropped }) => dropped.length > 0);
    const gaps = ledger.reduce((sum, entry) => sum + entry.gaps.length, 0);
    if (ledger.length > 0 && lacking.length + gaps === 0) return;
    // What the agent takes for stored it won't send again: there is nothing to wait for.
    if (ledger.length > 0 && lacking.some((sample) => isIn(believed, sample))) return;
    const now = `${lacking.length} ${gaps}`;
    if (now !== before) movedMs = deps.clock.bootMs();
    before = now;
    if (isGone || deps.clock.bootMs() - movedMs > STANDSTILL_MS) return;
  }
}

const isIn = (all: readonly StreamRanges[], { epoch, stream, sequence }: Promised): boolean =>
  all.some(
    (one) =>
      one.epoch === epoch &&
      one.stream === stream &&
      one.ranges.some(({ first, last }) => first <= sequence && sequence <= last),
  );

async function verdictOf(proof: Proof) {
  const { house, promises, running, sent } = proof;
  await running.agent?.stop(STOP_PATIENCE_MS);
  promises.look();
  const ledger = await house.api.ledger(STATION);
  // A board of which nothing has ever arrived is unknown to the bridge.
  const known = BOARDS.filter((board) => ledger.some(({ stream, stored }) => stream === board && stored.length > 0));
  const streams = await Promise.all(known.map((board) => storedRows(house, board)));
  const alarms = await house.api.alarms(STATION);
  return judge({
    promised: promises.samples,
    isWaiting: promises.waitingRows(),
    stored: streams.flatMap(({ rows }) => rows),
    resolutions: streams[0]?.resolutions ?? [],
    alarms: alarms.length < ALARMS_LISTED_MAX ? alarms.length : undefined,
    ledger,
    given: house.boards.map(({ name, first, last }) => ({ name, first, last })),
    receipts: promises.receipts(),
    recut: sent.recut,
  });
}

async function storedRows({ api }: ProvenHouse, device: string) {
  const rows: StoredRow[] = [];
  let resolutions: readonly number[] = [];
  for (let from: number | null = 0; from !== null; ) {
    const page = await api.readings(STATION, device, { from, limit: PAGE_ROWS });
    for (const [, epoch, sequence, ...values] of page.rows) {
      rows.push({ epoch: page.epochs[epoch] ?? "", stream: device, sequence, values });
    }
    resolutions = page.channels.map(({ resolution }) => resolution);
    from = page.next;
  }
  return { rows, resolutions };
}
