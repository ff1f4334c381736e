/** Of the agent: what `--version`, the log and the twin say. */
export const VERSION = "0.1.0";
