/** What agent.yaml says of the settings that the cloud may change, in the twin's words and units. Pure. */
import type { AgentConfig } from "./config.ts";
import type { OwnUpload } from "./twin/declared-settings.ts";
import { textFromWindows } from "./wire/upload-windows.ts";

export const uploadSettingsFrom = (config: AgentConfig, commitEveryMs: number): OwnUpload => ({
  interval: config["upload-interval"] / 1000,
  windows: textFromWindows(config["upload-windows"] ?? []),
  ...(config.budget !== undefined && { budget: config.budget / 1e6 }),
  "keep-alive": config["keep-alive"] === "learn" ? "learn" : config["keep-alive"] / 1000,
  connection: config.connection,
  "commit-interval": commitEveryMs / 1_000,
});
