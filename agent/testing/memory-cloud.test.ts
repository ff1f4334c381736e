import { describeCloud } from "../cloud/cloud.conformance.ts";
import { CloudError } from "../cloud/cloud.ts";
import { createMemoryCloud } from "./memory-cloud.ts";
import { createSimulatedTime } from "./simulated-time.ts";

describeCloud("the memory cloud", async () => {
  const { cloud, far, faults, cut } = createMemoryCloud({ timers: createSimulatedTime().timers });
  return {
    cloud,
    far,
    cut: () => cut(),
    shut: async () => {
      faults.connectError = new CloudError("retry", "unreachable");
    },
    dispose: async () => undefined,
  };
});
