/** What the station reports of its twin as a whole: which version is answered, and whether all of it runs. Pure. */
import { twinDigest } from "../wire/twin-digest.ts";
import type { JsonObject } from "../wire/twin-document.ts";
import type { Acknowledgement } from "./applied.ts";

export interface SectionParts {
  /** Of desired that is answered. */
  readonly version: number;
  /** As it is understood; {} before there is any. */
  readonly desired: JsonObject;
  readonly acknowledgements: readonly Acknowledgement[];
  /** Why the newest desired document is refused as a whole. */
  readonly refused?: string | undefined;
  readonly crashes: number;
  /** Refused values that there is no room to name. */
  readonly unnamed?: number;
}

export function sectionFrom({
  version,
  desired,
  acknowledgements,
  refused,
  crashes,
  unnamed = 0,
}: SectionParts): JsonObject {
  const open = acknowledgements.filter(({ ack }) => ack.ac !== 200).length + unnamed;
  const refusals = refusalsAmong(acknowledgements);
  return {
    version,
    digest: digestOf(desired, acknowledgements),
    ...(open > 0 && { open }),
    ...(refused !== undefined && { refused }),
    ...(crashes > 0 && { crashes }),
    ...(refusals.length > 0 && { refusals }),
    ...(unnamed > 0 && { "left-out": unnamed }),
  };
}

const refusalsAmong = (acknowledgements: readonly Acknowledgement[]): JsonObject[] =>
  acknowledgements.flatMap(({ path, ack: { ac, av, ad }, isListed }) => (isListed ? [{ at: path, ac, av, ad }] : []));

/** A setting of several values (live) answers for each; what can't be answered in its place is refused. */
export function digestOf(desired: JsonObject, acknowledgements: readonly Acknowledgement[]): string {
  const answers = new Map(acknowledgements.flatMap(({ path, ack, isListed }) => (isListed ? [] : [[path, ack.ac]])));
  return twinDigest(desired, (path) => {
    for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
      const answer = answers.get(at);
      if (answer !== undefined) return answer;
    }
    return 400;
  });
}
