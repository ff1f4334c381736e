/** Whose connection it is: the thing that its client certificate belongs to, as AWS IoT Core keeps them registered. */
import { isSignedByOneOf, leafOf, lifeProblemOf } from "../azure/certificates.ts";
import type { PacketServer } from "../azure/link.ts";
import type { AwsCloud } from "./aws-cloud.ts";

export interface Things {
  /** Certificates of the authority whose common name it is are active for it. */
  register(thing: string): void;
  /** All of its certificates; they stay known and aren't let in. */
  deactivate(thing: string): void;
  list(): readonly string[];
  /** undefined: not known, not active, or not of this time. */
  thingOf(chain: readonly Uint8Array[]): string | undefined;
}

export function createThings(deps: { readonly wallMs: () => number }, authorities: readonly string[]): Things {
  const active = new Map<string, boolean>();
  return {
    register: (thing) => void active.set(thing, true),
    deactivate: (thing) => void active.set(thing, false),
    list: () => [...active.keys()],
    thingOf: (chain) => {
      const leaf = leafOf(chain);
      const name = leaf?.commonName;
      if (!leaf || name === undefined || active.get(name) !== true || lifeProblemOf(leaf, deps.wallMs()))
        return undefined;
      return isSignedByOneOf(chain, authorities, deps.wallMs()) ? name : undefined;
    },
  };
}

export const withCertificates = (aws: AwsCloud, things: Things): PacketServer => ({
  accept: (link, chain) => aws.accept(link, things.thingOf(chain)),
});
