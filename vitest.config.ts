import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{sensor-descriptions,agent,cloud-bridge,simulators,systemd,tools,bench}/**/*.test.ts", "*.test.ts"],
    testTimeout: 90_000,
    hookTimeout: 60_000,
    // For two noisy cores: the longest tests watch processes and wait for them, so a third worker finds time.
    maxWorkers: 3,
    // No test changes what another one imports; a worker loads each module once, a third of the processor time less.
    isolate: false,
    reporters: ["default"],
  },
});
