/** The one-time token where agent.yaml says it is: a systemd credential, or a file that only its owner may read. */
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { type Log, Secret } from "../world.ts";

export interface TokenFile {
  /** undefined when there is none any more, or when it can't be used; which is said. */
  read(): Secret | undefined;
  /** It is worth nothing any more; where it can't be removed (a credential, a read-only /etc) it just lies there. */
  remove(): void;
}

/** `folder`: where agent.yaml lies. */
export function createTokenFile(deps: { readonly log: Log }, name: string, folder: string): TokenFile {
  const { log } = deps;
  const credentials = process.env["CREDENTIALS_DIRECTORY"];
  const credential = credentials === undefined ? undefined : join(credentials, name);
  const isCredential = credential !== undefined && existsSync(credential);
  const path = isCredential ? credential : isAbsolute(name) ? name : join(folder, name);
  let saidBefore = "";

  const unusable = (error: string): undefined => {
    if (error !== saidBefore) log("error", "enrolment-token-unusable", { path, error });
    saidBefore = error;
  };

  return {
    read: () => {
      if (!existsSync(path)) return undefined;
      try {
        if (!isCredential && (statSync(path).mode & 0o077) !== 0)
          return unusable(`others may read this secret; run: chmod 600 ${path}`);
        const token = readFileSync(path, "utf8").trim();
        return token === "" ? undefined : new Secret(token);
      } catch (error) {
        return unusable(textOf(error));
      }
    },
    remove: () => {
      if (isCredential || !existsSync(path)) return;
      try {
        rmSync(path);
        log("info", "enrolment-token-removed", { path });
      } catch (error) {
        log("info", "enrolment-token-stays", { path, error: textOf(error) });
      }
    },
  };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
