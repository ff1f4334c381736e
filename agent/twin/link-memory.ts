/** What a station remembers of its trials of settings that can cut the link: `link` of its state file. */
import { isObject, type Json, type JsonObject } from "../wire/twin-document.ts";
import { UPLOAD_SETTINGS } from "./known-settings.ts";
import type { SettingValue } from "./setting-shape.ts";

/** By path; null: the file's. Only what isn't the file's is there, but for what is blamed. */
export type LinkValues = Readonly<Record<string, SettingValue | null>>;

export interface Blamed {
  readonly value: SettingValue | null;
  readonly reason: string;
  readonly tries: number;
  /** How often it has waited for a link that stands, and was tried again after that. */
  readonly rests: number;
  /** Of the present wait, so much is over. */
  readonly restedMs: number;
  /** Whether the values before it were heard: guilty; not heard either: the network; undefined: not known yet. */
  readonly isGuilty?: boolean;
}

export interface LinkMemory {
  readonly good: LinkValues;
  readonly trial?:
    | { readonly values: LinkValues; readonly starts: number; readonly tries: number; readonly rests: number }
    | undefined;
  readonly blamed: Readonly<Record<string, Blamed>>;
}

export const PATHS = UPLOAD_SETTINGS.flatMap((known) =>
  known.isOnTrial ? [{ path: `upload/${known.name}`, known }] : [],
);

export const isOfLink = (path: string): boolean => PATHS.some((one) => one.path === path);

export const valuesOf = (valueOf: (path: string) => SettingValue | null): LinkValues =>
  Object.fromEntries(
    PATHS.flatMap(({ path }) => {
      const value = valueOf(path);
      return value === null ? [] : [[path, value]];
    }),
  );

/** Of the state file; anything else begins anew. */
export function linkMemoryFrom(value: Json | undefined): LinkMemory | undefined {
  if (!isObject(value) || !isObject(value["good"]) || !isObject(value["blamed"])) return undefined;
  const { good, blamed, trial } = value;
  const tried = isObject(trial) && isObject(trial["values"]) ? trial : undefined;
  return {
    good: knownValues(good),
    ...(tried && {
      trial: {
        values: knownValues(tried["values"] as JsonObject),
        starts: Number(tried["starts"] ?? 1),
        tries: Number(tried["tries"] ?? 1),
        rests: Number(tried["rests"] ?? 0),
      },
    }),
    blamed: Object.fromEntries(
      Object.entries(blamed).flatMap(([path, one]): [string, Blamed][] => {
        if (!isOfLink(path) || !isObject(one)) return [];
        const { reason, tries, rests, restedMs, isGuilty } = one;
        return [
          [
            path,
            {
              value: scalarFrom(one["value"]),
              reason: typeof reason === "string" ? reason : "",
              tries: Number(tries ?? 1),
              rests: Number(rests ?? 0),
              restedMs: Number(restedMs ?? 0),
              ...(typeof isGuilty === "boolean" && { isGuilty }),
            },
          ],
        ];
      }),
    ),
  };
}

const knownValues = (values: JsonObject): LinkValues => valuesOf((path) => scalarFrom(values[path]));
const scalarFrom = (value: Json | undefined): SettingValue | null =>
  typeof value === "number" || typeof value === "string" ? value : null;
