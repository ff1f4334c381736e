/** Whose connection it is: the thing or claim that its client certificate belongs to, as AWS IoT Core keeps them registered. */
import { type CertificateChain, isSignedByOneOf, leafOf, lifeProblemOf } from "../azure/certificates.ts";
import type { PacketLink, PacketServer } from "../azure/link.ts";
import type { AwsCloud } from "./aws-cloud.ts";
import type { Principal } from "./policy.ts";

/** One that the service has issued, or whose claim was registered. Known by the SHA-256 of its DER in lower-case hex. */
export interface Certificate {
  status: "PENDING_ACTIVATION" | "ACTIVE" | "INACTIVE";
  /** Attached to it. */
  thing?: string;
  /** A claim: with these templates. */
  readonly templates?: readonly string[];
}

export interface Things {
  /** Certificates of the authority whose common name it is are active for it. */
  register(thing: string): void;
  /** All of its certificates; they stay known and aren't let in. */
  deactivate(thing: string): void;
  list(): readonly string[];
  /** undefined: not known, not active, or not of this time. */
  thingOf(chain: CertificateChain): Principal;
  readonly certificates: Map<string, Certificate>;
  /** False when there is no such certificate. */
  setStatus(id: string, status: "ACTIVE" | "INACTIVE"): boolean;
  /** One of the certificates isn't let in any more. */
  onDeactivated(listener: (id: string) => void): void;
}

export const certificateId = (chain: CertificateChain): string | undefined => leafOf(chain)?.sha256.toLowerCase();

export function createThings(deps: { readonly wallMs: () => number }, authorities: readonly string[]): Things {
  const active = new Map<string, boolean>();
  const certificates = new Map<string, Certificate>();
  const listeners: ((id: string) => void)[] = [];

  const setStatus = (id: string, status: "ACTIVE" | "INACTIVE"): boolean => {
    const certificate = certificates.get(id);
    if (!certificate) return false;
    certificate.status = status;
    if (status === "INACTIVE") for (const listener of listeners) listener(id);
    return true;
  };

  const principalOf = (id: string, commonName: string | undefined): Principal => {
    const certificate = certificates.get(id);
    if (!certificate) return commonName !== undefined && active.get(commonName) === true ? commonName : undefined;
    if (certificate.status !== "ACTIVE") return undefined;
    return certificate.templates ? { claim: id, templates: certificate.templates } : certificate.thing;
  };

  return {
    register: (thing) => void active.set(thing, true),
    deactivate: (thing) => {
      active.set(thing, false);
      for (const [id, certificate] of certificates) if (certificate.thing === thing) setStatus(id, "INACTIVE");
    },
    list: () => [...active.keys()],
    thingOf: (chain) => {
      const leaf = leafOf(chain);
      if (!leaf || lifeProblemOf(leaf, deps.wallMs())) return undefined;
      const principal = principalOf(leaf.sha256.toLowerCase(), leaf.commonName);
      return principal !== undefined && isSignedByOneOf(chain, authorities, deps.wallMs()) ? principal : undefined;
    },
    certificates,
    setStatus,
    onDeactivated: (listener) => void listeners.push(listener),
  };
}

/**
 * Whoever came with a certificate that is deactivated goes: AWS does so "within a few minutes" (API reference,
 * UpdateCertificate), this cloud at once.
 */
export function withCertificates(aws: AwsCloud, things: Things): PacketServer {
  const open = new Map<string, Set<PacketLink>>();
  things.onDeactivated((id) => {
    for (const link of open.get(id) ?? []) link.cut();
  });
  return {
    accept: (link, chain) => {
      const receiver = aws.accept(link, things.thingOf(chain));
      const id = certificateId(chain) ?? "";
      const links = open.get(id) ?? new Set();
      open.set(id, links.add(link));
      return {
        ...receiver,
        onClosed: () => {
          links.delete(link);
          receiver.onClosed();
        },
      };
    },
  };
}
