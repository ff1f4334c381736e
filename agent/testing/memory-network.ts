/** One mobile network that is up and whose counters stand where a test puts them. */
import type { Network } from "../world.ts";

export interface MemoryNetwork extends Network {
  readonly state: { name: string; up: boolean; rx: number; tx: number };
}

export function createMemoryNetwork(): MemoryNetwork {
  const state = { name: "wwan0", up: true, rx: 0, tx: 0 };
  return {
    state,
    interface: () => state.name,
    isUp: () => state.up,
    name: () => state.name,
    counters: () => ({ rx: state.rx, tx: state.tx }),
  };
}
