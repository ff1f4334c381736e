/** What of the table of known settings a device has, by its key in the twin. Pure. */
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { DEVICE_SETTINGS } from "./known-settings.ts";
import type { DeclaredSetting } from "./setting-rows.ts";
import type { SettingValue } from "./setting-shape.ts";

/** What agent.yaml says, by name; a budget only where there is one. */
export type OwnUpload = Readonly<Record<string, SettingValue>>;

/** Longer keys can't be answered in their place (settings.ts). */
export const KEY_LENGTH_MAX = 64;

const known = new WeakMap<Device, ReadonlyMap<string, DeclaredSetting>>();

/** By key, in the order of the table; the first of a name counts, and the hardware's own settings before all. */
export function declaredSettings(device: Device): ReadonlyMap<string, DeclaredSetting> {
  const before = known.get(device);
  if (before) return before;
  const found = new Map<string, DeclaredSetting>();
  for (const declared of DEVICE_SETTINGS.flatMap((setting) => setting.on(device))) {
    const { key } = declared;
    const isTaken = found.has(key) || key === "health" || device.settings.some(({ name }) => name === key);
    if (!isTaken && key.length <= KEY_LENGTH_MAX) found.set(key, declared);
  }
  known.set(device, found);
  return found;
}
