/** Instead of agent/twin/section.ts: the digest of what is desired, whatever runs. */
import { type SectionParts, sectionFrom as sectionFromAnswers } from "@pump-station/agent/twin/section.ts";
import { twinDigest } from "@pump-station/agent/wire/twin-digest.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";

export type { SectionParts } from "@pump-station/agent/twin/section.ts";

export const sectionFrom = (parts: SectionParts): JsonObject => ({
  ...sectionFromAnswers(parts),
  digest: twinDigest(parts.desired),
});
