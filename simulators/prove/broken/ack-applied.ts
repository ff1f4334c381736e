/** Instead of agent/twin/applied.ts: acknowledges what was asked, not what runs. */
import { type Applied, type AppliedDeps, createApplied as createCareful } from "@pump-station/agent/twin/applied.ts";

export type { Acknowledgement, Applied, AppliedDeps, Target } from "@pump-station/agent/twin/applied.ts";

export function createApplied(deps: AppliedDeps): Applied {
  const careful = createCareful(deps);
  return {
    ...careful,
    get nextAt() {
      return careful.nextAt;
    },
    acknowledgements: () =>
      careful.acknowledgements().map((acknowledgement) => {
        const { wanted, ack } = acknowledgement;
        return wanted === undefined
          ? acknowledgement
          : { ...acknowledgement, ack: { ...ack, value: wanted, ac: 200, ad: "" } };
      }),
  };
}
