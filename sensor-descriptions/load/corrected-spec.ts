/** A spec whose formulas compute with what the station file's `correct:` makes of the channels that they use. */
import { corrected } from "../correction.ts";
import type { Correction } from "../preprocessing.ts";
import type { ProtocolSpec, SpecChannel } from "../spec.ts";

export function correctedSpec(spec: ProtocolSpec, corrections: ReadonlyMap<string, Correction>): ProtocolSpec {
  if (corrections.size === 0) return spec;
  const all = <T extends { readonly channel: SpecChannel }>(channels: readonly T[]): T[] =>
    channels.map((one) => {
      const correction = corrections.get(one.channel.name);
      return correction === undefined ? one : { ...one, channel: { ...one.channel, correct: corrected(correction) } };
    });
  const withReads = <T extends { readonly channels: readonly { readonly channel: SpecChannel }[] }>(read: T): T => ({
    ...read,
    channels: all(read.channels),
  });
  switch (spec.protocol) {
    case "framed":
      return { ...spec, reads: spec.reads.map(withReads) };
    case "lines":
      return { ...spec, reads: spec.reads.map(withReads) };
    case "modbus-rtu":
    case "modbus-ascii":
      return { ...spec, reads: spec.reads.map(withReads) };
    default:
      return { ...spec, channels: all(spec.channels) };
  }
}
