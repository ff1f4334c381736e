/** What `explain` is asked for, and how its explanations are told to programs. */
import { EXPLAINED_BYTES_MAX, type Explanation } from "@pump-station/sensor-descriptions/explain/explanation.ts";
import type { DeviceType } from "@pump-station/sensor-descriptions/load.ts";
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { spokenBytes } from "@pump-station/sensor-descriptions/quantities.ts";
import type { ProtocolSpec } from "@pump-station/sensor-descriptions/spec.ts";

export interface ExplainOptions {
  readonly bytes?: string;
  readonly live: boolean;
  /** The station file. */
  readonly file: string;
  readonly devices: readonly string[];
  readonly control: string;
  readonly json: boolean;
}

/** What is explained: a type, or a device of it. */
export interface Explained {
  readonly type: DeviceType;
  /** As the device runs: with its needs and its corrections. */
  readonly spec: ProtocolSpec;
  readonly address: number;
  readonly device?: Device;
  /** Of the station file's description. */
  readonly hash?: string;
  /** Which file and line say something of the device. */
  readonly origins: ReadonlyMap<string, string>;
}

export interface Titled {
  /** "" for none. */
  readonly title: string;
  readonly explained: Explanation;
}

export const asJson = ({ title, explained }: Titled) => ({
  ...(title === "" ? {} : { title }),
  ...explained,
  sections: explained.sections.map(({ bytes, ...section }) => ({ ...section, bytes: spokenBytes(bytes) })),
  values: Object.fromEntries(explained.values),
  ...(explained.texts ? { texts: Object.fromEntries(explained.texts) } : {}),
});

/** Pairs of digits, with anything that people put between: blanks, commas, colons, 0x. */
export function bytesIn(text: string): { readonly ok: Uint8Array } | { readonly wrong: string } {
  const bytes: number[] = [];
  const pattern = /(?:0x)?([0-9a-fA-F]{2})|[\s,;:-]+|(.)/gsy;
  for (const match of text.matchAll(pattern)) {
    const [, pair, other] = match;
    if (other !== undefined) {
      const mark = `${" ".repeat(match.index)}^`;
      const isDigit = /[0-9a-fA-F]/.test(other);
      const why = isDigit ? `"${other}" stands alone: a byte is two digits` : `"${other}" is no hexadecimal digit`;
      return {
        wrong: `--bytes: ${why}\n  ${text.replaceAll(/\s/g, " ")}\n  ${mark}\n  → write bytes as pairs of 0–9 and A–F: "55 AA 01"`,
      };
    }
    if (pair !== undefined) bytes.push(Number.parseInt(pair, 16));
  }
  if (bytes.length === 0)
    return { wrong: '--bytes: there are none\n  → write bytes as pairs of 0–9 and A–F: "55 AA 01"' };
  if (bytes.length > EXPLAINED_BYTES_MAX)
    return { wrong: `--bytes: ${bytes.length} bytes; at most ${EXPLAINED_BYTES_MAX} are explained` };
  return { ok: Uint8Array.from(bytes) };
}
