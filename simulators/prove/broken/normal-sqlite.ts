/** Instead of agent/linux/sqlite.ts: nobody waits for a commit to reach the disk, as with SQLite's synchronous=NORMAL alone. */
import { createDatabases as createHonest } from "@pump-station/agent/linux/sqlite.ts";
import type { Databases } from "@pump-station/agent/world.ts";

export function createDatabases(): Databases {
  const honest = createHonest();
  return { ...honest, open: (path) => ({ ...honest.open(path), sync: () => undefined }) };
}
