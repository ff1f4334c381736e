/** The agent's AWS dialect and a local AWS IoT Core, in memory on a simulated clock. */
import { createAwsIotCoreCloud } from "@pump-station/agent/cloud/aws-iot-core/aws-iot-core.ts";
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import type { Log } from "@pump-station/agent/world.ts";
import { createMemoryClients } from "../../memory-clients.ts";
import { createAwsCloud } from "../aws-cloud.ts";
import { createAwsFarSide } from "./far-side.ts";

export const STATION = "demo-lake";

export function standUp({ shadow, log = () => undefined }: { shadow?: string; log?: Log } = {}) {
  const time = createSimulatedTime();
  let seed = 0;
  const chance = { fraction: () => 0.5, bytes: (count: number) => new Uint8Array(count).fill(++seed) };
  const deps = { ...time, chance };
  const aws = createAwsCloud(deps);
  const reach = { isThere: true, thing: STATION as string | undefined };
  const clients = createMemoryClients({
    timers: time.timers,
    accept: (link) => (reach.isThere ? aws.accept(link, reach.thing) : undefined),
  });
  const cloud = createAwsIotCoreCloud(
    { ...deps, clients, log },
    { host: "abc-ats.iot.eu-central-1.amazonaws.com", port: 8883, station: STATION, ...(shadow && { shadow }) },
  );
  return {
    ...time,
    aws,
    reach,
    cloud,
    far: createAwsFarSide(aws, STATION, shadow),
    id: { thing: STATION, name: shadow },
  };
}
