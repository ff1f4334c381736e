/**
 * A key switch that says that somebody is on site (`on-site:` of a device): turned on, the mode begins for the time that
 * the file gives; turned off, it ends, as far as the key began it. Only a turn counts, and how the key stood is on disk:
 * one that was forgotten in its place begins nothing anew, whatever is restarted. A reading that is missing is no turn.
 */
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import type { Log } from "../world.ts";
import type { OnSite } from "./on-site.ts";

/** Device → whether its condition held last. */
export type KeysKept = Readonly<Record<string, boolean>>;

export interface OnSiteKeysDeps {
  readonly log: Log;
  readonly onSite: Pick<OnSite, "now" | "begin" | "end">;
  readonly document: { load(): KeysKept | undefined; save(kept: KeysKept): void };
}

/** Told of each sample of a device that has `on-site:`; `holds`: undefined while that can't be told. */
export type OnSiteKeys = (device: Pick<Device, "name" | "onSite">, holds: boolean | undefined) => void;

export function createOnSiteKeys({ log, onSite, document }: OnSiteKeysDeps): OnSiteKeys {
  let kept: KeysKept = document.load() ?? {};
  const keep = (name: string, holds: boolean): void => {
    kept = { ...kept, [name]: holds };
    try {
      document.save(kept);
    } catch (error) {
      // What the file system says has a code; everything else is a bug.
      if (!(error instanceof Error && "code" in error)) throw error;
      log("error", "on-site-key-not-saved", { device: name, error: error.message });
    }
  };

  return ({ name, onSite: key }, holds) => {
    if (!key || holds === undefined || holds === (kept[name] ?? false)) return;
    // On disk first: a process that ends in between begins nothing twice.
    keep(name, holds);
    const by = `the switch ${name}`;
    if (holds) onSite.begin(key.atMostMs, by, true);
    else if (onSite.now()?.by === by) onSite.end(`${by} was turned back`);
  };
}
