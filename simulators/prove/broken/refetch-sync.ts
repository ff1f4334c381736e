/** Instead of agent/twin/sync.ts: what is desired is fetched once, and then only listened for. */
import { createSync as createCareful, type Sync, type SyncDeps } from "@pump-station/agent/twin/sync.ts";

export type { Sync, SyncDeps } from "@pump-station/agent/twin/sync.ts";

export function createSync(deps: SyncDeps): Sync {
  const { mirror } = deps;
  let isFetched = false;
  return createCareful({
    ...deps,
    mirror: {
      get current() {
        return mirror.current;
      },
      merge: (patch) => mirror.merge(patch),
      take: (full) => {
        if (!isFetched) mirror.take(full);
        isFetched = true;
      },
    },
  });
}
