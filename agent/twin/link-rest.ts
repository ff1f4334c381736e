/**
 * Link settings that were rolled back although the ones before them were heard. Mostly they cut the link; but an outage
 * that began and ended with their trial looks the same, and whoever set them once never comes back. So they are tried
 * again once the link has stood for LINK_REST_FIRST_MS, LINK_REST_GROWTH times as long each time after that, and
 * LINK_RESTS_MAX times in all: values that do cut the link cost LINK_TRIAL_MS each time.
 *
 * The link stands from one acknowledged message to the next, as far as they are no further apart than LINK_STANDS_MS.
 */
import { LINK_REST_FIRST_MS, LINK_REST_GROWTH, LINK_REST_SAVE_MS, LINK_RESTS_MAX, LINK_STANDS_MS } from "../limits.ts";
import type { Clock } from "../world.ts";
import type { Blamed } from "./link-memory.ts";

type AllBlamed = Readonly<Record<string, Blamed>>;

export interface LinkRest {
  /** To be called every now and then. Paths whose wait is over, told at a moment at which the station was just heard. */
  look(acknowledged: number): readonly string[];
  /** Something else is on trial, or not decided: what is heard meanwhile says nothing of a link that stands. */
  pause(): void;
}

export function createLinkRest(deps: {
  readonly clock: Clock;
  readonly blamed: () => AllBlamed;
  readonly note: (blamed: AllBlamed) => void;
}): LinkRest {
  const { clock } = deps;
  let heard: { readonly at: number; readonly acknowledged: number } | undefined;
  /** Not yet noted. */
  let stoodMs = 0;

  return {
    pause: () => {
      heard = undefined;
    },
    look: (acknowledged) => {
      const resting = Object.entries(deps.blamed()).filter(([, one]) => isResting(one));
      if (resting.length === 0) {
        heard = undefined;
        stoodMs = 0;
        return [];
      }
      const before = heard;
      if (before && acknowledged <= before.acknowledged) return [];
      heard = { at: clock.bootMs(), acknowledged };
      if (!before) return [];
      stoodMs += Math.min(heard.at - before.at, LINK_STANDS_MS);
      const due = resting.filter(([, one]) => one.restedMs + stoodMs >= restMs(one));
      if (due.length === 0 && stoodMs < LINK_REST_SAVE_MS) return [];
      const rested = resting.map(([path, one]) => [path, { ...one, restedMs: one.restedMs + stoodMs }] as const);
      stoodMs = 0;
      deps.note({ ...deps.blamed(), ...Object.fromEntries(rested) });
      return due.map(([path]) => path);
    },
  };
}

export const isResting = ({ isGuilty, rests }: Blamed): boolean => isGuilty === true && rests < LINK_RESTS_MAX;

const restMs = ({ rests }: Blamed): number => LINK_REST_FIRST_MS * LINK_REST_GROWTH ** rests;

/** For the acknowledgement: what becomes of a value that was rolled back. */
export function whatNext(one: Blamed): string {
  if (one.isGuilty === undefined) return "whether it was the network isn't known yet";
  if (!one.isGuilty) return "the values before it aren't heard either; tried again once the cloud hears the station";
  if (!isResting(one)) return "not tried again until it changes";
  return `tried again once the link has stood for ${restMs(one) / 3_600_000} h`;
}
