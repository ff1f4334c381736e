/** Each codec works for so long, in CPU time, before and while it is measured. */
const WARM_UP_MS = 200;
const MEASURED_MS = 400;
const SLICES = 5;

/** µs of CPU time, user and system, the least of some: what others do on the machine slows a core down, never up. */
export function cpuPerRound(round: () => void): number {
  const usedUs = (from?: NodeJS.CpuUsage): number => {
    const { user, system } = process.cpuUsage(from);
    return user + system;
  };
  for (const start = process.cpuUsage(); usedUs(start) < WARM_UP_MS * 1000; ) round();
  const slices = Array.from({ length: SLICES }, () => {
    let rounds = 0;
    const start = process.cpuUsage();
    do {
      round();
      rounds++;
    } while (usedUs(start) < (MEASURED_MS * 1000) / SLICES);
    return usedUs(start) / rounds;
  });
  return Math.min(...slices);
}
