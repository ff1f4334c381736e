/** What the control socket answers: each question of `pump-station …` while the service runs. */
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import type { SampleBuffer } from "./buffer/buffer.ts";
import { type Commanding, commandHandlers } from "./commanding.ts";
import type { ControlHandler } from "./control/control.ts";
import { explainDevice } from "./explain.ts";
import { heldPorts } from "./facts.ts";
import type { GoingLive } from "./going-live/going-live.ts";
import type { Newest } from "./newest.ts";
import type { RunningStation } from "./running-station.ts";
import type { AgentStatus, LiveValue } from "./status.ts";
import type { Taps } from "./tap/taps.ts";
import type { Uplink } from "./uplink/uplink.ts";
import type { Clock } from "./world.ts";

export type Handlers = Readonly<Record<string, ControlHandler>>;

export interface HandlerDeps {
  readonly clock: Clock;
  readonly station: () => Station;
  readonly running: () => RunningStation | undefined;
  readonly newest: Newest;
  readonly buffer: SampleBuffer;
  readonly uplink: Uplink;
  readonly goingLive: GoingLive;
  readonly taps: Taps;
  readonly status: () => AgentStatus;
  readonly commanding: Commanding;
}

/** The newest values, with what is made of them on the station. Throws Error that names what there is. */
export function valuesNow(
  { station, running, newest }: Pick<HandlerDeps, "station" | "running" | "newest">,
  device?: string,
  channel?: string,
): LiveValue[] {
  return newest.values(station(), device, channel, {
    everyMs: ({ name, everyMs }) => {
      const work = running();
      return work?.sources.has(name) ? work.cadence.running(name).everyMs : everyMs;
    },
    made: ({ name }) => running()?.made(name),
  });
}

export function createHandlers(deps: HandlerDeps): Handlers {
  const { clock, station, running, buffer, uplink, goingLive, taps } = deps;
  return {
    status: deps.status,
    read: ({ device, channel }) => valuesNow(deps, textOrUndefined(device), textOrUndefined(channel)),
    ports: () => heldPorts(station()),
    tap: ({ port }) => {
      const tapped = station().ports.get(textOrUndefined(port) ?? "");
      if (!tapped)
        throw new Error(`there is no port "${String(port)}"; there are: ${[...station().ports.keys()].join(", ")}`);
      return { ...taps.start(tapped), station: station().name, startedAt: clock.wallMs(), port: tapped };
    },
    tapped: ({ tap }) => taps.take(Number(tap)),
    untap: ({ tap }) => taps.end(Number(tap)),
    explain: ({ device }) =>
      explainDevice(
        { clock, station: station(), running: running(), buffer, uplink: uplink.status() },
        textOrUndefined(device),
      ),
    send: () => {
      buffer.commit();
      return uplink.sendNow();
    },
    trial: () => goingLive.trial(),
    running: () => goingLive.running(),
    try: ({ keep }) => goingLive.tryNow({ keep: keep === true }),
    keep: () => goingLive.decide("kept"),
    "roll-back": () => goingLive.decide("rolled-back"),
    ...commandHandlers(deps.commanding),
  };
}

const textOrUndefined = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
