/** A board and the bridge's authority without cryptography: certificates are JSON, and every step can fail. */
import { CloudError } from "../../cloud/cloud.ts";
import type { Credentials } from "../../cloud/credentials.ts";
import type { StateDocument } from "../../state/state-store.ts";
import { createMemoryCloud } from "../../testing/memory-cloud.ts";
import { createSimulatedTime, type SimulatedTime } from "../../testing/simulated-time.ts";
import { type CertificateFacts, type KeyMaker, Secret } from "../../world.ts";
import type { CertificateProof, Enrolment, HandedOver, Proof } from "../enrolment.ts";
import { createIdentity, type Identity } from "../identity.ts";
import type { KeptIdentity } from "../kept.ts";

export const STATION = "demo-lake";
export const DAY_MS = 86_400_000;

interface FakeCertificate extends CertificateFacts {
  readonly key: string;
}
const certificateIn = (text: string): FakeCertificate => JSON.parse(text) as FakeCertificate;

export const fakeKeys = (): KeyMaker & { readonly made: number } => {
  let made = 0;
  return {
    get made() {
      return made;
    },
    make: async () => {
      made++;
      return { privateKey: new Secret(`key-${made}`), csr: `csr of key-${made}` };
    },
    read: (text) => {
      const { name, serial, fromMs, untilMs } = certificateIn(text);
      return { name, serial, fromMs, untilMs };
    },
    isPair: (certificate, privateKey) => certificateIn(certificate).key === privateKey.reveal(),
  };
};

/** The bridge: what `cloud-bridge/auth` does, in memory. */
export function createAuthority(time: SimulatedTime, options: { readonly lifeMs: number; readonly graceMs: number }) {
  const issued = new Map<string, string>();
  const revoked = new Set<string>();
  const claims = new Set<string>();
  const faults = { isAway: false, losesAnswers: false, refusesNew: false };
  const asked: string[] = [];
  let token: string | undefined;
  let handedOver: HandedOver | undefined;
  let serial = 0;
  const reachable = (): void => {
    if (faults.isAway) throw new CloudError("retry", "connect ETIMEDOUT");
  };
  const isGood = (text: string, graceMs: number): boolean => {
    const { untilMs } = certificateIn(text);
    return [...issued.values()].includes(text) && !revoked.has(text) && time.clock.wallMs() <= untilMs + graceMs;
  };
  const admit = (proof: Proof): void => {
    const isRight =
      "token" in proof
        ? proof.token.reveal() === token
        : claims.has(proof.certificate) || isGood(proof.certificate, options.graceMs);
    asked.push("token" in proof ? "token" : certificateIn(proof.certificate).serial);
    if (!isRight) throw new CloudError("reprovision", "not authorized");
  };
  const issue = (csr: string): string => {
    const known = issued.get(csr);
    if (known !== undefined && isGood(known, 0)) return known;
    const fromMs = time.clock.wallMs();
    const facts = { name: STATION, serial: `${++serial}`, fromMs, untilMs: fromMs + options.lifeMs };
    const fresh = JSON.stringify({ ...facts, key: csr.replace("csr of ", "") });
    issued.set(csr, fresh);
    return fresh;
  };
  const enrolment: Enrolment = {
    ask: async (proof, { csr, adopt }) => {
      reachable();
      admit(proof);
      if (adopt) for (const [of, text] of issued) if (of !== csr) revoked.add(text);
      const certificate = issue(csr);
      if (faults.losesAnswers) throw new CloudError("retry", "no answer");
      return certificate;
    },
    tryOut: async (certificate) => {
      reachable();
      if (faults.refusesNew || !isGood(certificate, options.graceMs))
        throw new CloudError("reprovision", "not authorized");
      token = undefined;
    },
    description: async (proof) => {
      reachable();
      admit(proof);
      return handedOver;
    },
  };
  return {
    enrolment,
    faults,
    /** Certificates that may ask for any board. */
    claims,
    /** Who asked: serials, or "token". */
    asked,
    get issued() {
      return serial;
    },
    keep: (description: HandedOver) => {
      handedOver = description;
    },
    issueInPassing: issue,
    giveToken: (text: string) => {
      token = text;
    },
    revokeAll: () => {
      for (const text of issued.values()) revoked.add(text);
    },
    letsIn: ({ certificate }: Credentials): boolean =>
      !faults.isAway && certificate !== undefined && isGood(certificate, 0),
  };
}

/** A document that a power cut leaves as it was. `onSave` may throw. */
export function memoryDocument(onSave: () => void = () => undefined): StateDocument<KeptIdentity> & { text: string } {
  const document = {
    text: "",
    load: () => (document.text === "" ? undefined : (JSON.parse(document.text) as KeptIdentity)),
    save: (kept: KeptIdentity) => {
      onSave();
      document.text = JSON.stringify(kept);
    },
  };
  return document;
}

export interface BoardOptions {
  readonly document?: StateDocument<KeptIdentity>;
  readonly keys?: KeyMaker;
  readonly enrolment?: Enrolment;
  readonly given?: Credentials;
  readonly claim?: CertificateProof;
  readonly station?: string;
}

/** A board with its uplink's way to connect: again and again, as the supervisor does. */
export function createBoard(
  time: SimulatedTime,
  authority: ReturnType<typeof createAuthority>,
  options: BoardOptions = {},
) {
  const state = { tokenFile: undefined as string | undefined, log: [] as string[], connects: 0, changes: 0 };
  const stop = new AbortController();
  const identity: Identity = createIdentity(
    {
      ...time,
      chance: { fraction: () => 0.5, bytes: (count) => new Uint8Array(count) },
      log: (_, event, fields) => void state.log.push(`${event} ${JSON.stringify(fields)}`),
      keys: options.keys ?? fakeKeys(),
      enrolment: options.enrolment ?? authority.enrolment,
      document: options.document ?? memoryDocument(),
      token: () => (state.tokenFile === undefined ? undefined : new Secret(state.tokenFile)),
      onTokenUsed: () => {
        state.tokenFile = undefined;
      },
      claim: () => options.claim,
    },
    { station: options.station ?? STATION, cloud: "mqtts://bridge:8883", given: () => options.given ?? {} },
  );
  identity.onChange(() => state.changes++);
  const far = createMemoryCloud(time).cloud;
  const cloud = identity.guard({
    connect: async (signal) => {
      state.connects++;
      if (authority.faults.isAway) throw new CloudError("retry", "connect ETIMEDOUT");
      if (!authority.letsIn(identity.credentials())) throw new CloudError("reprovision", "not authorized");
      return far.connect(signal);
    },
  });
  return {
    identity,
    state,
    /** Rejects with what would end the process. */
    run: () => identity.run(stop.signal),
    stop: () => stop.abort(new Error("stop")),
    connect: () => cloud.connect(stop.signal),
  };
}

export const newYear = () => createSimulatedTime({ wallMs: Date.UTC(2027, 0, 1) });
