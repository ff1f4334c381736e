/** Exit codes: sysexits.h EX_USAGE and EX_CONFIG where they say more than "failed". */
export const EXIT = { ok: 0, failed: 1, usage: 64, configuration: 78 } as const;
