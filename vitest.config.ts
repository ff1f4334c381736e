import { configDefaults, defineConfig } from "vitest/config";

/** What replaces a module needs a worker of its own. */
const APART = ["agent/buffer/backlog.test.ts"];

export default defineConfig({
  test: {
    testTimeout: 90_000,
    hookTimeout: 60_000,
    // For two noisy cores: the longest tests watch processes and wait for them, so a third worker finds time.
    maxWorkers: 3,
    reporters: ["default"],
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: [
            "{sensor-descriptions,agent,cloud-bridge,simulators,systemd,tools,bench}/**/*.test.ts",
            "*.test.ts",
          ],
          exclude: [...configDefaults.exclude, ...APART],
          // No test changes what another one imports; a worker loads each module once, a third of the processor time less.
          isolate: false,
        },
      },
      { extends: true, test: { name: "apart", include: APART } },
    ],
  },
});
