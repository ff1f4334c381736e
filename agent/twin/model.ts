/** The table of known settings as a model for clouds: what `pump-station describe --dtdl` says of every station. Pure. */
import type { DtdlOwn, DtdlSetting } from "@pump-station/sensor-descriptions/documents/dtdl.ts";
import { OWN_COMPONENTS, OWN_KEYS } from "../wire/twin-document.ts";
import { declaredSettings } from "./declared-settings.ts";
import { OBJECT_SETTINGS, UPLOAD_SETTINGS } from "./known-settings.ts";
import { rangeText, type Shape } from "./setting-shape.ts";

const BACK = "null: as the files say";

export const DTDL_SETTINGS: Omit<DtdlOwn, "commands"> = {
  ownKeys: OWN_KEYS,
  settings: Object.values(OBJECT_SETTINGS).map(({ name, describe, fields, file }) => ({
    name,
    description: `${describe}; null: ${file}`,
    value: { fields },
  })),
  components: [...OWN_COMPONENTS].map((name) => ({
    name,
    settings: UPLOAD_SETTINGS.map((one) => settingOf(one.name, one.describe, one.shape)),
  })),
  deviceSettings: (device) =>
    [...declaredSettings(device).values()].map(({ key, describe, shape }) => settingOf(key, describe, shape)),
};

function settingOf(name: string, describe: string, shape: Shape): DtdlSetting {
  if (shape.kind === "choice")
    return { name, description: `${plain(describe)}; ${BACK}`, value: { choices: shape.choices } };
  const description = `${plain(describe)}: ${rangeText(shape)}; ${BACK}`;
  // A word instead of a number makes both a text: DTDL knows no "one or the other".
  if (shape.kind !== "number" || shape.word !== undefined) return { name, description, value: "text" };
  // A share of a window is no relative humidity, which is all that DTDL has in percent.
  return { name, description, value: "number", ...(shape.unit !== "%" && { unit: shape.unit }) };
}

function plain(markdown: string): string {
  return markdown.replaceAll("`", "");
}
