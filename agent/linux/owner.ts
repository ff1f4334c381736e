/** What a command run with sudo makes in the service's folder has to be the service's. */
import { chownSync, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Gives these entries of a folder, and what lies directly in them, to whom the folder belongs. Nothing to do without root. */
export function giveToOwner(folder: string, entries: readonly string[]): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  for (const path of entries.map((entry) => join(folder, entry)).filter((entry) => existsSync(entry))) {
    chownSync(path, uid, gid);
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) chownSync(join(path, name), uid, gid);
  }
}
