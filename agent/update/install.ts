/**
 * Files put in place of others, with a way back: each that is replaced is copied beside itself under its name and a date
 * ("station.yaml.2026-05-02T10-12", which no reader takes for a description), and what was written is known by its
 * checksum, so that whatever a person saved since is left alone.
 */
import { createHash } from "node:crypto";
import { UPDATE_BACKUPS_MAX } from "../limits.ts";
import type { Clock, Files } from "../world.ts";
import type { PlacedFile } from "./laid-over.ts";

export interface Replaced {
  readonly path: string;
  /** Where the copy is; null when there was no such file. */
  readonly copy: string | null;
  /** SHA-256 of what is written in its place. */
  readonly wrote: string;
}

/** Copies what will be replaced. What is the same already is left out. Throws what the file system says. */
export function copyAside(
  { files, clock }: { readonly files: Files; readonly clock: Clock },
  next: readonly PlacedFile[],
): readonly Replaced[] {
  const date = new Date(clock.wallMs()).toISOString().slice(0, 16).replace(":", "-");
  return next.flatMap(({ path, bytes }): Replaced[] => {
    const before = files.read(path);
    const wrote = sumOf(bytes);
    if (before === undefined) return [{ path, copy: null, wrote }];
    if (sumOf(before) === wrote) return [];
    const copy = freeName(files, `${path}.${date}`);
    files.writeDurably(copy, before);
    return [{ path, copy, wrote }];
  });
}

/** Device files first: a station file never names a type that isn't there yet. Throws what the file system says. */
export function putInPlace(files: Files, next: readonly PlacedFile[], replaced: readonly Replaced[]): void {
  const changed = new Set(replaced.map(({ path }) => path));
  for (const { path, bytes } of [...next].reverse()) if (changed.has(path)) files.writeDurably(path, bytes);
}

/** What was there before is there again; returns paths that somebody has changed since. Throws what the file system says. */
export function putBack(files: Files, replaced: readonly Replaced[]): readonly string[] {
  const left: string[] = [];
  for (const { path, copy, wrote } of replaced) {
    const now = files.read(path);
    const before = copy === null ? undefined : files.read(copy);
    if (now === undefined ? copy === null : before !== undefined && sumOf(now) === sumOf(before)) continue;
    if (now !== undefined && sumOf(now) !== wrote) left.push(path);
    else if (before) files.writeDurably(path, before);
    else if (copy === null) files.remove(path);
    else left.push(path);
  }
  return left;
}

/** `all`: lists of copies, oldest first. Returns those that are still there. */
export function withoutOldest(files: Files, all: readonly (readonly string[])[]): readonly (readonly string[])[] {
  for (const path of all.slice(0, -UPDATE_BACKUPS_MAX).flat()) files.remove(path);
  return all.slice(-UPDATE_BACKUPS_MAX);
}

function freeName(files: Files, name: string): string {
  for (let count = 1; ; count++) {
    const free = count === 1 ? name : `${name}-${count}`;
    if (files.read(free) === undefined) return free;
  }
}

const sumOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
