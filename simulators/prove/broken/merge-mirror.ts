/** Instead of agent/twin/mirror.ts: merges whatever comes, whether or not something is missing before it. */
import { createMirror as createCareful, type Mirror, type Versioned } from "@pump-station/agent/twin/mirror.ts";
import { type JsonObject, mergePatch } from "@pump-station/agent/wire/twin-document.ts";

export type { Mirror, Versioned } from "@pump-station/agent/twin/mirror.ts";

export function createMirror(stored: Versioned | undefined): Mirror {
  const careful = createCareful(stored);
  return {
    get current() {
      return careful.current;
    },
    take: (full) => careful.take(full),
    merge: ({ $version, ...patch }) => {
      const desired = mergePatch(careful.current?.desired ?? {}, patch) as JsonObject;
      careful.take({ ...desired, $version });
      return "merged";
    },
  };
}
