/** What happens to a station and its cloud between two quiet times: drawn, one after the other. */
import type { Draws } from "../chance.ts";
import { drawDocument, drawSense } from "./changes.ts";
import type { CloudFaults } from "./cloud.ts";
import type { Scene } from "./scene.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const FAULTS: readonly (keyof CloudFaults)[] = [
  ...(["loseDesired", "doubleDesired", "throttle", "loseReportAnswers", "refuseReports"] as const),
];

/** `events` of them, with pauses from seconds to minutes. */
export async function trouble(scene: Scene, events: number): Promise<void> {
  const { time, draws } = scene;
  for (let event = 0; event < events; event++) {
    await time.advance(between(draws, SECOND_MS, 5 * MINUTE_MS));
    const draw = draws.fraction();
    if (draw < 0.45) await scene.desire();
    else if (draw < 0.5) for (let count = 0; count < 8; count++) await scene.desire();
    else await oneOf(draws, HAPPENINGS)(scene);
    if (!scene.life() && draws.happens(0.5)) scene.start();
  }
}

/**
 * The last thing before it gets quiet is often one of which nobody is told; returns whether something came after it that
 * shows the station that it has missed it.
 */
export async function lastWord(scene: Scene, mayBeUnheard: boolean): Promise<boolean> {
  const { cloud, draws, time } = scene;
  const fault = FAULTS[Math.floor(draws.fraction() * 2 * FAULTS.length)];
  if (fault === undefined) return !mayBeUnheard;
  scene.say(`the last word: ${fault}`);
  const before = { ...cloud.faults };
  cloud.faults[fault] = 1;
  await scene.desire(drawSense(draws));
  await time.advance(between(draws, 10 * SECOND_MS, 3 * MINUTE_MS));
  Object.assign(cloud.faults, before);
  if (fault !== "loseDesired") return true;
  const isShown = draws.happens(0.6);
  if (isShown) await scene.desire(drawSense(draws));
  return isShown;
}

type Happening = (scene: Scene) => Promise<void> | void;

const HAPPENINGS: readonly Happening[] = [
  async (scene) => offline(scene, between(scene.draws, MINUTE_MS, HOUR_MS)),
  async (scene) => offline(scene, between(scene.draws, MINUTE_MS, 20 * MINUTE_MS)),
  async (scene) => {
    if (scene.draws.happens(0.1)) await offline(scene, between(scene.draws, 4 * HOUR_MS, 2 * DAY_MS));
  },
  (scene) => scene.cloud.cut(),
  (scene) => {
    scene.cloud.restart();
    scene.counts.bridgeRestarts++;
  },
  ...FAULTS.map(
    (fault): Happening =>
      (scene) => {
        const { cloud, draws } = scene;
        cloud.faults[fault] = cloud.faults[fault] > 0 ? 0 : 0.2 + 0.8 * draws.fraction();
        scene.say(`${fault} ${cloud.faults[fault].toFixed(2)}`);
        scene.counts.faults++;
      },
  ),
  async (scene) => {
    if (!scene.life()) return;
    await scene.stop();
    if (scene.draws.happens(0.3)) scene.reboot();
    await scene.time.advance(between(scene.draws, SECOND_MS, HOUR_MS));
    scene.start();
  },
  async (scene) => {
    scene.crash();
    if (scene.draws.happens(0.3)) scene.reboot();
    await scene.time.advance(between(scene.draws, SECOND_MS, MINUTE_MS));
    scene.start();
  },
  crashOverWrite,
  async (scene) => {
    await scene.recreate(drawDocument(scene.draws));
  },
  powerLoss,
  (scene) => {
    scene.hardware.isPumping = !scene.hardware.isPumping;
    scene.say(scene.hardware.isPumping ? "the pump runs" : "the pump stands");
    if (scene.hardware.isPumping) scene.counts.pumping++;
  },
  (scene) => {
    scene.hardware.valveMax = scene.draws.happens(0.5) ? 60 : 100;
  },
];

export async function offline(scene: Scene, ms: number): Promise<void> {
  const { cloud, time, draws, counts } = scene;
  scene.say(`no network for ${Math.round(ms / SECOND_MS)} s`);
  cloud.reach(false);
  counts.offline++;
  counts.longestOfflineMs = Math.max(counts.longestOfflineMs, ms);
  // The cloud team works on meanwhile.
  for (let part = 0; part < 3; part++) {
    await time.advance(ms / 3);
    if (draws.happens(0.6)) await scene.desire();
  }
  cloud.reach(true);
}

/** In winter, asked once an hour. */
export async function aMonthOffline(scene: Scene): Promise<void> {
  const hourly = { every: 3_600 };
  await scene.desire({ devices: { pump: hourly, valve: hourly, fan: hourly }, upload: { interval: 3_600 } });
  await scene.time.advance(2 * HOUR_MS);
  await offline(scene, 30 * DAY_MS);
}

/** The next setting that is written ends the process, before or after the board has taken it. */
async function crashOverWrite(scene: Scene): Promise<void> {
  const { hardware, draws, time } = scene;
  const isLost = draws.happens(0.5);
  let hasCrashed = false;
  hardware.onWrite = () => {
    hardware.onWrite = undefined;
    hasCrashed = true;
    scene.crash();
    return isLost ? "lost" : "taken";
  };
  await scene.desire({ devices: { pump: { target: 200 + 10 * Math.floor(draws.fraction() * 80) } } });
  await time.advance(between(draws, 5 * SECOND_MS, 10 * MINUTE_MS));
  hardware.onWrite = undefined;
  if (hasCrashed) scene.start();
}

async function powerLoss(scene: Scene): Promise<void> {
  scene.say("the boards lose their power");
  scene.hardware.isPowered = false;
  await scene.time.advance(between(scene.draws, SECOND_MS, 40 * MINUTE_MS));
  scene.hardware.isPowered = true;
  scene.counts.powerLosses++;
}

/** As many short ones as long ones. */
const between = (draws: Draws, least: number, most: number): number => least * (most / least) ** draws.fraction();

const oneOf = <T>(draws: Draws, all: readonly [T, ...T[]] | readonly T[]): T =>
  all[Math.floor(draws.fraction() * all.length)] as T;
