/**
 * A board's identity, from the token it enrols with to the day when another one takes its place. One thing after another,
 * each step on disk before the next: a new key → a certificate for it → tried on a connection of its own → in use. The
 * certificate before it stays until then, so that nothing of this can cost the connection.
 *
 * A clock that nobody vouches for is no reason to renew nor to give up: if the certificate is over, the cloud says so by
 * refusing it, and then the next one is asked for with the old one (which the bridge allows for a while) or a token.
 */
import { type Cloud, type CloudConnection, CloudError } from "../cloud/cloud.ts";
import type { Credentials } from "../cloud/credentials.ts";
import { createWaker } from "../cloud/waker.ts";
import { BACKOFF_MAX_MS, NEW_CERTIFICATE_REFUSALS_MAX } from "../limits.ts";
import type { StateDocument } from "../state/state-store.ts";
import { type Chance, type Clock, type KeyMaker, type Log, Secret, type Timers } from "../world.ts";
import type { CertificateProof, Enrolment, HandedOver, Proof } from "./enrolment.ts";
import { guardedCloud } from "./guarded-cloud.ts";
import { askInPassing } from "./in-passing.ts";
import { createIdentityMemory, type KeptCertificate, type KeptIdentity, type NextCertificate } from "./kept.ts";
import { createPauses } from "./pauses.ts";
import { problemFrom, textOf, tokenText, tokenWords } from "./problem.ts";
import { renewalAtMs } from "./renewal-time.ts";
import { type IdentityStatus, shownBy } from "./status.ts";

export interface IdentityDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  readonly keys: KeyMaker;
  readonly enrolment: Enrolment;
  /** Of `state/`, secret. */
  readonly document: StateDocument<KeptIdentity>;
  /** The one-time token, as long as there is one. */
  readonly token: () => Secret | undefined;
  readonly onTokenUsed: () => void;
  /** What boards of a whole series may ask with, where the cloud takes that. */
  readonly claim?: () => CertificateProof | undefined;
}

export interface IdentityConfig {
  readonly station: string;
  /** As agent.yaml names it. */
  readonly cloud: string;
  /** What agent.yaml gives beside the certificate: authorities, a password. */
  readonly given: () => Credentials;
}

export interface Identity {
  /** As they are now. */
  credentials(): Credentials;
  /** The same cloud, which learns from it whether the certificate is refused, and isn't hammered when it is. */
  guard(cloud: Cloud): Cloud;
  /** The connection that stands, over which the next certificate is asked for where that can be done. */
  onConnection(connection: Pick<CloudConnection, "requestCertificate"> | undefined): void;
  /** Enrols and renews when it is time; resolves when aborted. Rejects only on a bug. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * With this token, or without one with the claim; now. Throws CloudError, or Error that says why not. What was begun is
   * gone on with.
   */
  enrol(token: Secret | undefined, options: { readonly adopt: boolean }, signal: AbortSignal): Promise<void>;
  /** What the station ran when it was last heard of; undefined: it has handed nothing over. Throws CloudError, Error. */
  handedOver(signal: AbortSignal): Promise<HandedOver | undefined>;
  /** Another certificate is in use: it is worth trying to connect. */
  onChange(listener: () => void): void;
  status(): IdentityStatus;
}

/** Clocks are set and stepped, token files appear: looked at no less often than this… */
const LOOK_EVERY_MS_MAX = 6 * 3_600_000;
/** …and this often by a board that isn't anybody yet, or doesn't know the time. */
const LOOK_EVERY_MS = 60_000;
const LOOK_EVERY_MS_MIN = 1_000;

export function createIdentity(deps: IdentityDeps, config: IdentityConfig): Identity {
  const { clock, log, keys, enrolment } = deps;
  const memory = createIdentityMemory(deps.document, config.station);
  const waker = createWaker(deps);
  const pauses = createPauses(deps);
  const listeners: (() => void)[] = [];
  const words = enrolment.advice ?? tokenWords(config.station);
  let isRefused = false;
  let standing: Pick<CloudConnection, "requestCertificate"> | undefined;
  let doing: string | undefined;
  let problem: string | undefined;

  const proofOf = ({ certificate, privateKey }: KeptCertificate): Proof => ({
    certificate,
    privateKey: new Secret(privateKey),
  });
  const claim = (): CertificateProof | undefined => deps.claim?.();
  const canTell = (): boolean => memory.foreign === undefined;

  const isDue = ({ certificate }: KeptCertificate): boolean =>
    clock.isWallTrusted() && clock.wallMs() >= renewalAtMs(keys.read(certificate), config.station);

  const nextLookMs = (): number => {
    const { current } = memory.now;
    if (!current || !clock.isWallTrusted()) return LOOK_EVERY_MS;
    const leftMs = renewalAtMs(keys.read(current.certificate), config.station) - clock.wallMs();
    return Math.min(Math.max(leftMs, LOOK_EVERY_MS_MIN), LOOK_EVERY_MS_MAX);
  };

  /** Whether there is something to ask for, and something to ask with. */
  const isWanted = (): boolean => {
    const { current, next } = memory.now;
    if (!canTell()) return false;
    if (!current) return deps.token() !== undefined || claim() !== undefined || next?.certificate !== undefined;
    return next !== undefined || isRefused || isDue(current);
  };

  /** The certificate first: a token lies about for the day when that isn't taken any more. */
  const proofs = (): Proof[] => {
    const token = deps.token();
    const { current } = memory.now;
    const claimed = !current || mayClaim(current) ? claim() : undefined;
    return [
      ...(current ? [proofOf(current)] : []),
      ...(token && (!current || isRefused) ? [{ token }] : []),
      ...(claimed ? [claimed] : []),
    ];
  };

  /** The next certificate; not a board's return that was thrown out: that, somebody decides. */
  const mayClaim = (current: KeptCertificate): boolean =>
    isDue(current) && (!isRefused || keys.read(current.certificate).untilMs <= clock.wallMs());

  const begun = async (isAdoption: boolean): Promise<NextCertificate> => {
    const { next } = memory.now;
    if (next && (next.isAdoption ?? false) === isAdoption) return next;
    const { privateKey, csr } = await keys.make(config.station);
    const fresh = { privateKey: privateKey.reveal(), csr, ...(isAdoption && { isAdoption }) };
    memory.keep({ ...memory.now, next: fresh });
    return fresh;
  };

  const certified = async (next: NextCertificate, by: readonly Proof[], signal: AbortSignal) => {
    const { certificate } = next;
    if (certificate !== undefined) return { ...next, certificate };
    doing = "asks for a certificate";
    const given = await askWithAny(by, next, signal);
    const facts = keys.read(given);
    const isOurs = facts.name === config.station || enrolment.isNamedByCertificate === false;
    if (!isOurs || !keys.isPair(given, new Secret(next.privateKey)))
      throw new CloudError("retry", `enrol: the certificate is of ${facts.name}, or of another key`);
    const kept = { ...next, certificate: given };
    memory.keep({ ...memory.now, next: kept });
    return kept;
  };

  const askWithAny = async (by: readonly Proof[], next: NextCertificate, signal: AbortSignal): Promise<string> => {
    const request = { csr: next.csr, adopt: next.isAdoption ?? false };
    const inPassing = request.adopt || !memory.now.current ? undefined : await askInPassing(deps, standing, next.csr);
    if (inPassing !== undefined) return inPassing;
    for (const [at, proof] of by.entries()) {
      try {
        return await enrolment.ask(proof, request, signal);
      } catch (error) {
        const isLast = at === by.length - 1;
        if (isLast || !(error instanceof CloudError) || error.next !== "reprovision") throw error;
      }
    }
    throw new CloudError("stop", "there is nothing to ask for a certificate with");
  };

  const triedOut = async (next: NextCertificate & { readonly certificate: string }, signal: AbortSignal) => {
    const { certificate, privateKey, refusals = 0 } = next;
    doing = "tries its new certificate";
    try {
      await enrolment.tryOut(certificate, new Secret(privateKey), signal);
    } catch (error) {
      if (!(error instanceof CloudError) || error.next !== "reprovision") throw error;
      const isGivenUp = refusals + 1 >= NEW_CERTIFICATE_REFUSALS_MAX;
      const { current } = memory.now;
      const others = { station: config.station, ...(current && { current }) };
      memory.keep(isGivenUp ? others : { ...others, next: { ...next, refusals: refusals + 1 } });
      throw error;
    }
    const sinceMs = clock.isWallTrusted() ? { sinceMs: clock.wallMs() } : {};
    memory.keep({
      station: config.station,
      current: { privateKey, certificate, cloud: config.cloud, ...sinceMs },
    });
  };

  const goThrough = async (isAdoption: boolean, by: readonly Proof[], signal: AbortSignal): Promise<void> => {
    try {
      await triedOut(await certified(await begun(isAdoption), by, signal), signal);
    } finally {
      doing = undefined;
    }
    const { name, serial, untilMs } = keys.read(memory.now.current?.certificate ?? "");
    log("info", "identity-certified", { name, serial, until: untilMs, cloud: config.cloud });
    isRefused = false;
    problem = undefined;
    pauses.reset();
    deps.onTokenUsed();
    for (const listener of listeners) listener();
  };

  /** Resolves with how long to wait before the next look. */
  const attempt = async (signal: AbortSignal): Promise<number> => {
    if (!isWanted()) return nextLookMs();
    try {
      await goThrough(memory.now.next?.isAdoption ?? false, proofs(), signal);
      return nextLookMs();
    } catch (error) {
      if (signal.aborted) return 0;
      problem = problemFrom(error, memory.now.current !== undefined, words);
      // Somebody waits beside a board that has never come in, if it is only the network that lacks.
      const isAwaited = memory.now.current === undefined && error instanceof CloudError && error.next === "retry";
      const pauseMs = pauses.next(isAwaited ? BACKOFF_MAX_MS : undefined);
      log("warn", "identity-not-certified", { error: textOf(error), pauseMs: Math.round(pauseMs) });
      return pauseMs;
    }
  };

  return {
    credentials: () => {
      const { current } = memory.now;
      if (!current) return config.given();
      const { ca } = config.given();
      // The password has ended with the first use of the certificate, and is nobody's business any more.
      return {
        ...(ca !== undefined && { ca }),
        certificate: current.certificate,
        privateKey: new Secret(current.privateKey),
      };
    },
    guard: (cloud) =>
      guardedCloud(deps, cloud, {
        hasCertificate: () => memory.now.current !== undefined,
        isEnrolling: () => memory.now.current === undefined && config.given().password === undefined && isWanted(),
        onEnrolled: (listener) => void listeners.push(listener),
        onAccepted: () => {
          isRefused = false;
        },
        onRefused: () => {
          isRefused = true;
          waker.wake();
        },
      }),
    onConnection: (connection) => {
      standing = connection;
    },
    run: async (signal) => {
      if (memory.foreign !== undefined)
        log("error", "identity-of-another-station", { station: config.station, found: memory.foreign });
      while (!signal.aborted) await waker.wait(await attempt(signal), signal);
    },
    enrol: async (token, { adopt }, signal) => {
      if (memory.foreign !== undefined && !adopt)
        throw new Error(
          `this board is ${memory.foreign}, agent.yaml says ${config.station}; to become that one for ever: pump-station adopt ${config.station} --token TOKEN`,
        );
      // What this board was before counts for nothing once it takes another's place.
      const { current } = memory.now;
      const proof = token ? { token } : claim();
      if (!proof) throw new Error(`there is nothing to enrol with: give --token TOKEN; ${tokenText(config.station)}`);
      await goThrough(adopt, [proof], signal).catch((error: unknown) => {
        throw error instanceof CloudError && error.next === "reprovision"
          ? new Error(words.refused, { cause: error })
          : error;
      });
      if (current) log("info", "identity-replaced", { before: keys.read(current.certificate).serial });
    },
    handedOver: (signal) => {
      const { current } = memory.now;
      if (!current) throw new Error(`this board isn't ${config.station} yet: it has no certificate`);
      return enrolment.description(proofOf(current), signal);
    },
    onChange: (listener) => void listeners.push(listener),
    status,
  };

  function status(): IdentityStatus {
    const { current } = memory.now;
    const given = config.given();
    const foreign =
      memory.foreign === undefined
        ? undefined
        : `the data folder holds the identity of ${memory.foreign}; for ever another one: pump-station adopt ${config.station} --token TOKEN`;
    const said = foreign ?? problem;
    return {
      by: current ? "certificate" : shownBy(given),
      ...certificateStatus(current),
      ...(doing !== undefined && { doing }),
      ...(said !== undefined && { problem: said }),
    };
  }

  function certificateStatus(current: KeptCertificate | undefined): Pick<IdentityStatus, "certificate"> {
    const given = config.given().certificate;
    if (!current) return given === undefined ? {} : { certificate: keys.read(given) };
    const facts = keys.read(current.certificate);
    const { cloud, sinceMs } = current;
    const renewAtMs = renewalAtMs(facts, config.station);
    return { certificate: { ...facts, renewAtMs, cloud, ...(sinceMs !== undefined && { sinceMs }) } };
  }
}
