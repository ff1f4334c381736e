/** `npm start`: the whole chain beside somebody who watches, or who wants each link seen (`--check`). */
import type { Files } from "@pump-station/agent/world.ts";
import { createWitness } from "../station/evidence.ts";
import type { Databases } from "../world.ts";
import { chainLinks } from "./check.ts";
import { stationFrom } from "./description.ts";
import { type HouseDeps, openHouse } from "./house.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { endLeftovers } from "./leftovers.ts";
import { followLinks, linkTable } from "./links.ts";
import { wiredStation } from "./station-file.ts";

export interface DemoDeps extends HouseDeps {
  readonly agentFiles: Files;
  readonly databases: Databases;
  readonly temporary: string;
}

/** The station of the catalogue that the demonstration shows. */
const STATION = "demo-lake";
/** As the agent calls it, in its data folder. */
const BUFFER_FILE = "readings.db";

/** Runs until `stop`; resolves with the exit code. */
export async function runDemo(deps: DemoDeps, root: string, reset: boolean, stop: AbortSignal): Promise<number> {
  const layout = layoutOf(root, deps.temporary);
  await prepare(deps, layout, reset);
  const house = await openHouse(deps, { layout, station: STATION, hardwareArgs: [], fullSpeed: false });
  for (const line of welcome(layout, house.pageUrl)) deps.say(line);
  await untilStopped(stop);
  deps.say("Stopping: the agent, the simulated hardware, the bridge.");
  await house.stop();
  deps.say(`Stopped. What was stored stays in ${root}; npm start goes on with it, npm start -- --reset forgets it.`);
  return 0;
}

/** In a folder of its own that begins empty, so that nothing of an earlier run can pass for this one's. */
export async function runCheck(deps: DemoDeps, root: string, withinMs: number, stop: AbortSignal): Promise<number> {
  const layout = layoutOf(root, deps.temporary);
  await prepare(deps, layout, true);
  const house = await openHouse(deps, { layout, station: STATION, hardwareArgs: [], fullSpeed: false });
  try {
    deps.say(`Both processes are ready. Looking at each link of the chain, at most ${withinMs / 1000} s.`);
    const station = stationFrom(deps.agentFiles, layout.stationFile, layout.deviceFolder, deps.programs);
    const witness = createWitness(await deps.connectLines(layout.sockets.evidence));
    const bufferFile = `${layout.agentData}/${BUFFER_FILE}`;
    const links = chainLinks({ station, api: house.api, witness, databases: deps.databases, bufferFile });
    const results = await followLinks(deps, links, stop, withinMs);
    witness.close();
    deps.say(linkTable(results));
    const unseen = results.filter(({ seen }) => !seen).map(({ name }) => name);
    deps.say(
      unseen.length === 0 ? "Every link was seen working." : `Not seen: ${unseen.join(", ")}. Logs: ${layout.logs}`,
    );
    return unseen.length === 0 ? 0 : 1;
  } finally {
    await house.stop();
  }
}

async function prepare(deps: DemoDeps, layout: Layout, reset: boolean): Promise<void> {
  await endLeftovers(deps, layout);
  if (reset) deps.files.remove(layout.root);
  const template = deps.files.read(`${deps.programs.catalogue}/stations/${STATION}.yaml`);
  if (template === undefined) throw new Error(`the catalogue ${deps.programs.catalogue} has no station ${STATION}`);
  const text = wiredStation(template, { terminals: layout.terminals, simulator: layout.sockets.ports });
  deps.files.write(layout.wiredFile, text);
  // Somebody may have edited it.
  if (deps.files.read(layout.stationFile) === undefined) deps.files.write(layout.stationFile, text);
}

const welcome = (layout: Layout, pageUrl: string): readonly string[] => [
  "",
  "A simulated pump station is being read, and what it says goes to a cloud bridge on this machine:",
  `  its baseboard answers on a real pseudo-terminal, ${layout.terminals}/baseboard;`,
  "  two weather chips sit on a simulated I2C bus, a rain gauge on a GPIO pin;",
  "  the agent is a process of its own, and so is the bridge (MQTT over TLS, SQLite, HTTP).",
  "",
  `  Page:      ${pageUrl}`,
  `  Watch:     change a line of ${layout.stationFile}, for example an "every:", and save`,
  `  Logs:      ${layout.logs}/`,
  "",
  "The demo uploads every 5 s; a station's default is 15 min. Ctrl-C stops everything.",
  "",
];

const untilStopped = (stop: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (stop.aborted) return resolve();
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
