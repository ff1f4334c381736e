/**
 * What the dead board ran, put in place on the spare that has become its station: as far as who stands before it hasn't
 * brought something else along. Nothing here is signed; a board that trusts keys takes it only when it is named by its
 * hash, which is asked for where the description is kept.
 */
import { hasErrors } from "@pump-station/sensor-descriptions/problems.ts";
import { loadDescription } from "../description.ts";
import type { Clock, Files } from "../world.ts";
import { type Candidate, candidateFrom, type Places } from "./candidate.ts";
import { copyAside, putInPlace } from "./install.ts";
import { trustedKeys } from "./trusted-keys.ts";
import { UpdateRefused } from "./wanted.ts";

export interface HandedOverArchive {
  /** Of the description; at least its first 16 digits. */
  readonly hash: string;
  readonly archive: Uint8Array;
}

export interface AdoptedPlaces extends Places {
  /** Folder of *.pub files. */
  readonly trustedKeys: string;
}

export type Adopted =
  | {
      readonly did: "placed";
      readonly hash: string;
      readonly paths: readonly string[];
      readonly copies: readonly string[];
    }
  /** It lies there already. */
  | { readonly did: "same"; readonly hash: string }
  /** Nothing was written, and why. */
  | { readonly did: "left"; readonly because: string };

interface Deps {
  readonly files: Files;
  readonly clock: Clock;
}

/** `named`: the hash that it has to have. Throws what the file system says. */
export async function placeAdopted(
  { files, clock }: Deps,
  places: AdoptedPlaces,
  { hash, archive }: HandedOverArchive,
  named?: string,
): Promise<Adopted> {
  const candidate = await candidateOrReason(files, places, archive);
  if (typeof candidate === "string") return left(`what the bridge has can't be used here: ${candidate}`);
  const obstacle = named === undefined ? unnamed(files, places, candidate, hash) : misnamed(candidate, named);
  const onDisk = hashOnDisk(files, places);
  if (onDisk === candidate.hash) return { did: "same", hash: candidate.hash };
  if (obstacle !== undefined) return left(obstacle);
  const replaced = copyAside({ files, clock }, candidate.files);
  putInPlace(files, candidate.files, replaced);
  const copies = replaced.flatMap(({ copy }) => (copy === null ? [] : [copy]));
  return { did: "placed", hash: candidate.hash, paths: replaced.map(({ path }) => path), copies };
}

const left = (because: string): Adopted => ({ did: "left", because });

async function candidateOrReason(files: Files, places: Places, archive: Uint8Array): Promise<Candidate | string> {
  try {
    return await candidateFrom(files, places, archive);
  } catch (error) {
    if (error instanceof UpdateRefused) return error.message;
    throw error;
  }
}

const misnamed = ({ hash }: Candidate, named: string): string | undefined =>
  hash === named ? undefined : `what the bridge has is ${hash}, not the description that was named`;

function unnamed(files: Files, places: AdoptedPlaces, { hash }: Candidate, told: string): string | undefined {
  const { station, path } = places;
  const again = `pump-station adopt ${station} --description ${hash}`;
  if (!hash.startsWith(told.slice(0, hash.length)))
    return `with this board's catalogue it is another description than it was (${told.slice(0, 16)}…); to take it all the same: ${again}`;
  const { keys } = trustedKeys(files, places.trustedKeys);
  if (keys.length > 0)
    return `this board takes only what is signed (${places.trustedKeys}), or named by who stands before it: ${again}`;
  const disk = loadDescription(files, path, places.folders);
  const isBrought = disk.station?.name === station && !hasErrors(disk.problems);
  return isBrought ? `${path} describes ${station} already, differently; to take what ran before: ${again}` : undefined;
}

function hashOnDisk(files: Files, { path, folders, station }: Places): string | undefined {
  const disk = loadDescription(files, path, folders);
  return disk.station?.name === station && !hasErrors(disk.problems) ? disk.station.hash : undefined;
}
