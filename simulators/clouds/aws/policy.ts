/**
 * Who may connect as whom, and which topics they may use. A thing: its own, as a policy of AWS IoT Core would be written
 * with `${iot:Connection.Thing.ThingName}`, and as our guide tells to write it. A claim certificate: fleet provisioning
 * with its templates, under any client id (developer guide, "Provisioning by claim").
 */
import { topicMatches } from "@pump-station/agent/wire/topic-filter.ts";
import { enrolClientId } from "@pump-station/agent/wire/topics.ts";

/** A claim certificate. */
export interface Claim {
  readonly claim: string;
  readonly templates: readonly string[];
}

/** A thing by its name, a claim, or nobody that is known. */
export type Principal = string | Claim | undefined;

export interface Policy {
  /** For events: the thing, or the claim. */
  readonly name: string;
  /** A filter is allowed when whatever it matches is. */
  readonly isAllowed: (topicOrFilter: string) => boolean;
}

const OWN = ["ps/1/{thing}/#", "$aws/things/{thing}/shadow/#", "$aws/things/{thing}/jobs/#"];
const provisioningTopics = (templates: readonly string[]): readonly string[] => [
  "$aws/certificates/create-from-csr/#",
  ...templates.map((name) => `$aws/provisioning-templates/${name}/provision/#`),
];

const policyOf = (name: string, allowed: readonly string[]): Policy => ({
  name,
  isAllowed: (topicOrFilter) => allowed.some((pattern) => topicMatches(pattern, topicOrFilter)),
});

/**
 * undefined: not under that client id. `renewals`: the templates with which a thing may ask for its next certificate,
 * as the client enrol.{thing}.
 */
export function policyFor(principal: Principal, clientId: string, renewals: readonly string[]): Policy | undefined {
  if (principal === undefined) return undefined;
  if (typeof principal !== "string")
    return policyOf(`claim ${principal.claim.slice(0, 8)}`, provisioningTopics(principal.templates));
  if (clientId === principal)
    return policyOf(
      principal,
      OWN.map((pattern) => pattern.replace("{thing}", principal)),
    );
  return clientId === enrolClientId(principal) && renewals.length > 0
    ? policyOf(principal, provisioningTopics(renewals))
    : undefined;
}
