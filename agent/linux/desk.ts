/** A person's terminal and editor behind the world's seam. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Desk } from "../world.ts";
import { lockName } from "./name-lock.ts";

/** What Debian has, in the order in which its own tools look. */
const EDITORS = ["sensible-editor", "nano", "vi"];

export function createDesk(): Desk {
  const lines = createLines();
  return {
    resolve: realPath,
    lock: (path) => lockName(`pump-station-edit-${hashOf(path)}`, `${nameOfUser()}, process ${process.pid}`),
    checkWritable,
    draftOf: (path) => join(draftFolder(path), basename(path)),
    edit: runEditor,
    install,
    ask: lines.ask,
    columns: () => (process.stdout.isTTY ? process.stdout.columns : undefined),
    close: lines.close,
  };
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const absolute = resolve(path);
    return absolute === "/" ? absolute : join(realPath(dirname(absolute)), basename(absolute));
  }
}

const hashOf = (path: string): string => createHash("sha256").update(realPath(path)).digest("hex").slice(0, 16);

function nameOfUser(): string {
  try {
    return process.env["SUDO_USER"] ?? userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? "?"}`;
  }
}

function checkWritable(path: string): void {
  const target = existing(path) ? path : dirname(path);
  try {
    accessSync(target, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EROFS") throw new Error(`edit ${path}: the file system is read-only`, { cause: error });
    const advice =
      code === "ENOENT"
        ? "there is no such folder"
        : `you (${nameOfUser()}) may not write ${target}; let your group: chgrp pump-station ${target} && chmod g+w ${target}`;
    throw new Error(`edit ${path}: ${advice}`, { cause: error });
  }
}

const existing = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/** At home, where it outlives a reboot; without a home that can be written, in a folder below /tmp that is ours alone. */
function draftFolder(path: string): string {
  const state = process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local/state");
  const shared = join(tmpdir(), `pump-station-edit-${process.getuid?.() ?? 0}`);
  for (const folder of [join(state, "pump-station/edit"), shared]) {
    try {
      const own = join(folder, hashOf(path));
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      mkdirSync(own, { recursive: true, mode: 0o700 });
      const { uid, mode } = lstatSync(folder);
      // Somebody else may have made it first, to read what is written there.
      if (uid === process.getuid?.() && (mode & 0o022) === 0) return own;
    } catch (error) {
      if (folder === shared) throw new Error(`edit ${path}: no place for a draft: ${String(error)}`, { cause: error });
    }
  }
  throw new Error(`edit ${path}: no place for a draft: ${shared} belongs to somebody else`);
}

async function runEditor(path: string): Promise<number> {
  const own = process.env["VISUAL"] || process.env["EDITOR"];
  for (const editor of own ? [own] : EDITORS) {
    const code = await ranEditor(editor, path);
    if (code !== undefined) return code;
  }
  throw new Error(`editor ${own ?? EDITORS.join(", ")}: not found; name yours: EDITOR=nano pump-station edit`);
}

/** By the shell, since $EDITOR may hold options ("code --wait"); 127 is its "not found". */
const ranEditor = (editor: string, path: string): Promise<number | undefined> =>
  new Promise((settle, fail) => {
    // Ctrl-C in the editor is the editor's.
    const ignore = (): void => {};
    process.on("SIGINT", ignore);
    const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "sh", path], { stdio: "inherit" });
    child.once("error", fail);
    child.once("close", (code) => {
      process.off("SIGINT", ignore);
      settle(code === 127 ? undefined : (code ?? 1));
    });
  });

function install(path: string, bytes: Uint8Array): "replaced" | "written" {
  const target = realPath(path);
  const before = statSync(target, { throwIfNoEntry: false });
  const fresh = join(dirname(target), `.${basename(target)}.${process.pid}.new`);
  try {
    const file = openSync(fresh, "wx", before?.mode ?? 0o644);
    try {
      if (before) {
        fchownSync(file, before.uid, before.gid);
        fchmodSync(file, before.mode & 0o7777);
      }
      writeAll(file, bytes);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, target);
    syncFolder(dirname(target));
    return "replaced";
  } catch (error) {
    rmSync(fresh, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    // The folder isn't ours, or another's file can't be given back to its owner: the file itself may still be written.
    if (!before || !["EACCES", "EPERM", "EROFS"].includes(code ?? "")) throw error;
    const file = openSync(target, "r+");
    try {
      writeAll(file, bytes);
      ftruncateSync(file, bytes.length);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return "written";
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  fsyncSync(file);
}

function syncFolder(folder: string): void {
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** Lines of stdin, read only while one is asked for: in between, the terminal is the editor's. */
function createLines(): Pick<Desk, "ask" | "close"> {
  const pending: string[] = [];
  let reader: Interface | undefined;
  let isOver = false;
  let waiting: ((line: string | undefined) => void) | undefined;
  const open = (): Interface => {
    const fresh = createInterface({ input: process.stdin, terminal: false });
    fresh.on("line", (line) => {
      if (waiting) waiting(line);
      else pending.push(line);
    });
    fresh.on("close", () => {
      isOver = true;
      waiting?.(undefined);
    });
    return fresh;
  };
  return {
    ask: async (question) => {
      process.stderr.write(question);
      const known = pending.shift();
      if (known !== undefined || isOver) return known;
      reader ??= open();
      reader.resume();
      const line = await new Promise<string | undefined>((settle) => {
        waiting = settle;
      });
      waiting = undefined;
      if (!isOver) reader.pause();
      return line;
    },
    close: () => reader?.close(),
  };
}
