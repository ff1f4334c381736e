/**
 * How an agent's process is started where its memory counts: by systemd/pump-station.service, which says why, by
 * demonstrations and by benchmarks. A test holds the unit to these.
 */
export const AS_ON_A_BOARD = {
  nodeFlags: [
    "--max-old-space-size=96",
    "--max-semi-space-size=1",
    "--optimize-for-size",
    "--heap-growing-percent=10",
    "--expose-gc",
  ],
  environment: {
    MALLOC_ARENA_MAX: "1",
    MALLOC_MMAP_THRESHOLD_: "32768",
    MALLOC_TRIM_THRESHOLD_: "65536",
  },
} as const;
