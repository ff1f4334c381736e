import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{sensor-descriptions,agent,cloud-bridge,simulators,systemd,tools}/**/*.test.ts", "*.test.ts"],
    testTimeout: 90_000,
    hookTimeout: 60_000,
    // Two noisy cores: more workers than cores only make the waits longer.
    maxWorkers: 2,
    reporters: ["default"],
  },
});
