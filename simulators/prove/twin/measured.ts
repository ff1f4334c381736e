/** After everything has converged: what is acknowledged is measured at the line and at the link, and live is tried. */
import { READ_BACK_EVERY_MS } from "@pump-station/agent/limits.ts";
import { isObject } from "@pump-station/agent/wire/twin-document.ts";
import { gapsText, keepsTime } from "./behaviour.ts";
import { ADDRESS, OWN_EVERY_S, OWN_UPLOAD_S, type ProvenDevice } from "./description.ts";
import { expectedOf } from "./expected.ts";
import type { Scene } from "./scene.ts";
import { ackAt } from "./verdict.ts";

const MINUTE_MS = 60_000;
/** Messages of one upload follow each other. */
const ONE_UPLOAD_MS = 3_000;
const POLL_SLACK_S = 1;
const UPLOAD_SLACK_S = 3;
const LIVE_EVERY_S = 30;
const READ_BACK_EVERY_S = READ_BACK_EVERY_MS / 1_000;

/** What doesn't behave as it is acknowledged. */
export async function measureBehaviour(scene: Scene): Promise<readonly string[]> {
  const problems: string[] = [];
  const { desired } = await scene.cloud.documents();
  const runs = new Map(expectedOf(desired).flatMap((item) => (item.does === "run" ? [[item.path, item.value]] : [])));
  const every = (device: string): number => runs.get(`devices/${device}/every`) ?? OWN_EVERY_S;
  const devices = Object.keys(ADDRESS) as ProvenDevice[];
  const interval = runs.get("upload/interval") ?? OWN_UPLOAD_S;
  // A live that is under way would be measured instead.
  if (isObject(desired["live"])) await scene.time.advance(31 * MINUTE_MS);
  const sinceMs = scene.time.clock.bootMs();
  scene.say(`measured: uploads every ${interval} s, polls every ${devices.map(every).join(", ")} s`);
  await scene.time.advance(1_000 * Math.max(5 * interval, ...devices.map((device) => 12 * every(device)), 300));
  for (const device of devices) {
    // A slower one reads its settings back in between, which can't be told from a poll from outside.
    if (every(device) > READ_BACK_EVERY_S) continue;
    const polls = scene.hardware.polls(device);
    if (keepsTime(polls, sinceMs, { wantedS: every(device), slackS: POLL_SLACK_S })) continue;
    problems.push(
      `devices/${device}/every: ${every(device)} s is acknowledged, it is asked after ${gapsText(polls, sinceMs)}`,
    );
  }
  const fastest = Math.min(...devices.map(every));
  problems.push(...uploadProblems(scene, "upload/interval", interval, fastest, sinceMs));
  return problems.length > 0 ? problems : measureLive(scene, interval, fastest);
}

/** A minute or two of live, and that it ends by itself. */
async function measureLive(scene: Scene, intervalS: number, fastestS: number): Promise<readonly string[]> {
  const { time, cloud } = scene;
  // Away on purpose, the station hears of it with its next upload.
  const untilMs = time.clock.wallMs() + intervalS * 1_000 + 25 * MINUTE_MS;
  if (intervalS > 300 || intervalS < 2 * Math.max(LIVE_EVERY_S, fastestS)) return [];
  await scene.desire({ live: { every: LIVE_EVERY_S, until: untilMs } });
  await time.advance(intervalS * 1_000 + 2 * MINUTE_MS);
  const sinceMs = time.clock.bootMs();
  await time.advance(8 * Math.max(fastestS, LIVE_EVERY_S) * 1_000);
  const ack = ackAt((await cloud.documents()).reported, "live");
  const problems = [...uploadProblems(scene, "live", LIVE_EVERY_S, fastestS, sinceMs)];
  if (ack?.ac !== 200 || ack.value !== LIVE_EVERY_S) problems.push(`live: ${JSON.stringify(ack)} while it was to run`);
  await time.advance(untilMs - time.clock.wallMs() + 2 * MINUTE_MS);
  const over = ackAt((await cloud.documents()).reported, "live");
  if (over?.value === LIVE_EVERY_S) problems.push(`live: ${JSON.stringify(over)} after it was over`);
  return problems;
}

/** Where nothing new was read, nothing is sent. */
function uploadProblems(scene: Scene, what: string, intervalS: number, fastestS: number, sinceMs: number): string[] {
  const { uploads } = scene.cloud;
  const wantedS = Math.max(intervalS, fastestS);
  // An upload at which nothing new is there doesn't happen.
  const slackS = UPLOAD_SLACK_S + (wantedS % fastestS === 0 && fastestS <= intervalS ? 0 : fastestS);
  if (keepsTime(uploads, sinceMs, { wantedS, slackS, apartMs: ONE_UPLOAD_MS })) return [];
  const gaps = gapsText(uploads, sinceMs, ONE_UPLOAD_MS);
  return [`${what}: ${intervalS} s is acknowledged, uploads come after ${gaps} (readings every ${fastestS} s)`];
}
