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
}

export function sectionFrom({ version, desired, acknowledgements, refused, crashes }: SectionParts): JsonObject {
  const open = acknowledgements.filter(({ ack }) => ack.ac !== 200).length;
  return {
    version,
    digest: digestOf(desired, acknowledgements),
    ...(open > 0 && { open }),
    ...(refused !== undefined && { refused }),
    ...(crashes > 0 && { crashes }),
  };
}

/** A setting of several values (live) answers for each; what can't be answered in its place is refused. */
export function digestOf(desired: JsonObject, acknowledgements: readonly Acknowledgement[]): string {
  const answers = new Map(acknowledgements.map(({ path, ack }) => [path, ack.ac]));
  return twinDigest(desired, (path) => {
    for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
      const answer = answers.get(at);
      if (answer !== undefined) return answer;
    }
    return 400;
  });
}
