/** Texts and secrets where agent.yaml says they are: systemd's credentials, or files that only their owner may read. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { Secret } from "../world.ts";

/** `folder`: where agent.yaml lies. Throws Error that says what to do, or what the file system says. */
export function readSecret(name: string, folder: string): Secret {
  const credentials = process.env["CREDENTIALS_DIRECTORY"];
  const credential = credentials === undefined ? undefined : join(credentials, name);
  const path = credential !== undefined && existsSync(credential) ? credential : absolute(name, folder);
  if (!existsSync(path)) {
    throw new Error(
      `${name}: neither a credential of the unit (LoadCredential=) nor a file ${path} that this user can see`,
    );
  }
  if (path !== credential && (statSync(path).mode & 0o077) !== 0) {
    throw new Error(`${path}: others may read this secret; run: chmod 600 ${path}`);
  }
  return new Secret(readFileSync(path, "utf8").trim());
}

/** Paths in agent.yaml are relative to it. */
export function absolute(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

/** A text that is no secret. Throws what the file system says. */
export const readText = (name: string, folder: string): string => readFileSync(absolute(name, folder), "utf8");

/** undefined when there is no such file. Throws what else the file system says. */
export const readTextIfThere = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, "utf8") : undefined;
