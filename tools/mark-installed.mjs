// Runs after every install (npm's "postinstall"): notes which lockfile and which Node's ABI node_modules was made for.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const marker = join(root, "node_modules", ".pump-station-installed");

export function installationKey() {
  const lock = readFileSync(join(root, "package-lock.json"));
  return createHash("sha256").update(lock).update(`node ${process.versions.modules} ${process.arch}`).digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, installationKey());
}
