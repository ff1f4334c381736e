/**
 * Who may come in, and what for. A certificate of our own authority decides alone: its name is the station's, whatever
 * else is said. One that is over may still ask for the next one for a while (a station that was off all winter).
 *
 * Of a station's certificates the newest that it has come with is the one: those before it open nothing but, for a few
 * days, the way to the next one (a board whose disk forgot the new key). A newer one that only was tried out leaves the
 * one before it as it is for those days, since the board may not know yet that it worked.
 */
import { clientFrom } from "@pump-station/agent/wire/topics.ts";
import { SUPERSEDED_GRACE_MS } from "../limits.ts";
import type { Identities, StoredCertificate } from "../store/identities.ts";
import type { Admission, Claim, Clock, StationAuthority } from "../world.ts";
import type { Credentials } from "./credentials.ts";
import { isToken } from "./enrolment-tokens.ts";

export interface AdmissionDeps {
  readonly clock: Clock;
  readonly identities: Identities;
  readonly credentials: Pick<Credentials, "verify">;
  readonly authority: StationAuthority;
  /** How long after its end a certificate may still ask for the next one, ms. */
  readonly graceMs: number;
}

type Outcome = Admission | { readonly refused: string };
type Client = NonNullable<ReturnType<typeof clientFrom>>;

/** Resolves with the reason for the log when it is refused: whoever knocks isn't told. */
export function createAdmission(deps: AdmissionDeps): (claim: Claim) => Promise<Outcome> {
  const { clock, identities, credentials, authority, graceMs } = deps;

  async function byCertificate(client: Client, shown: NonNullable<ReturnType<StationAuthority["inspect"]>>) {
    const { station, isEnrolling } = client;
    const { serial } = shown;
    if (shown.station !== station) return refused(`certificate ${serial} is of ${shown.station}`);
    const kept = await identities.certificate(serial);
    if (!kept || kept.station !== station) return refused(`certificate ${serial} is not known`);
    if (kept.revokedMs !== null) return refused(`certificate ${serial} was revoked`);
    const superseded = supersededReason(kept, isEnrolling);
    if (superseded !== undefined) return refused(`certificate ${serial} ${superseded}`);
    const untilMs = kept.untilMs + (isEnrolling ? graceMs : 0);
    if (clock.wallMs() > untilMs)
      return refused(
        isEnrolling
          ? `certificate ${serial} ended too long ago: the station needs a token`
          : `certificate ${serial} has ended: it may ask for the next one, nothing else`,
      );
    // A trial of a new certificate counts: it shows that the board has it.
    await identities.used(serial, clock.wallMs(), isEnrolling ? "enrolling" : "station");
    return { station, role: isEnrolling ? "enrolling" : "station", by: "certificate", serial, untilMs } as const;
  }

  function supersededReason({ supersededMs, isReplaced }: StoredCertificate, isEnrolling: boolean): string | undefined {
    if (supersededMs === null) return undefined;
    if (isReplaced && !isEnrolling) return "was replaced: the station has come with a newer one since";
    const isOver = clock.wallMs() > supersededMs + SUPERSEDED_GRACE_MS;
    return isOver ? "was superseded too long ago: the station has had a newer one, or needs a token" : undefined;
  }

  async function byToken({ station }: Client, password: Uint8Array): Promise<Outcome> {
    const token = await identities.token(station);
    if (!token || !isToken(token, password)) return refused("unknown station or wrong token");
    if (clock.wallMs() > token.untilMs) return refused("the token has ended");
    return { station, role: "enrolling", by: "token", untilMs: token.untilMs };
  }

  return async ({ clientId, user, password, certificate }) => {
    const client = clientFrom(clientId);
    if (!client) return refused("the client id is no station's");
    const shown = certificate && authority.inspect(certificate);
    if (user !== undefined && user !== client.station) return refused("user name and client id must be the station");
    if (shown) return byCertificate(client, shown);
    if (!password) return refused(certificate ? "a certificate that isn't ours, and no password" : "no password");
    if (user === undefined) return refused("user name and client id must be the station");
    if (client.isEnrolling) return byToken(client, password);
    return (await credentials.verify(client.station, password))
      ? { station: client.station, role: "station", by: "password" }
      : refused("unknown station or wrong password");
  };
}

const refused = (reason: string): { readonly refused: string } => ({ refused: reason });
