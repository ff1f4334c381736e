/**
 * MQTT topics between a station and its cloud (plain MQTT dialect), ≤ 7 slashes:
 *
 *   station → cloud   ps/1/{station}/{lane}/{bag}            lane: urgent | normal | late; bag: property bag, URL-encoded
 *                     ps/1/{station}/twin/get/{rid}
 *                     ps/1/{station}/twin/report/{rid}       JSON merge patch
 *                     ps/1/{station}/command/answer/{id}     JSON {status, text, body?}
 *                     ps/1/{station}/alive                   retained JSON {online, since?}; also the will
 *   cloud → station   ps/1/{station}/twin/full/{rid}         JSON {desired, reported}, each with $version
 *                     ps/1/{station}/twin/reported/{rid}     JSON {version}: the report was stored
 *                     ps/1/{station}/twin/refused/{rid}      JSON {error}
 *                     ps/1/{station}/twin/desired            JSON patch with $version
 *                     ps/1/{station}/command/call/{id}       JSON {device?, command, arguments?, expiresMs?, by?}
 *                     ps/1/{station}/ledger                  CBOR: receipt, ranges wanted, schema wanted
 *
 * Enrolment, on a connection of its own with the client id enrol.{station}, which may do nothing else. Who asks proves
 * itself by the certificate it has (for the next one), or by user name = station and password = one-time token:
 *
 *   station → cloud   ps/1/{station}/enrol/request/{rid}     JSON {csr, adopt?}: PKCS #10 in PEM; adopt: takes the place
 *                                                            of every board that has the name now
 *   cloud → station   ps/1/{station}/enrol/answer/{rid}      JSON {certificate} in PEM, or {error, advice?}
 *
 * A station that has come with a certificate may ask so for the next one on the connection that stands, too.
 * The same key asking again gets the same certificate, so an answer that was lost costs nothing. With its certificate a
 * board may also ask for the description that the station handed over last (a spare that takes a dead board's place):
 *
 *   station → cloud   ps/1/{station}/enrol/description/{rid} JSON {part}: from 1
 *   cloud → station   ps/1/{station}/enrol/answer/{rid}      JSON {hash, sha256, part, parts, body}, body in Base64; parts 0:
 *                                                            there is none; or {error}
 *
 * A station hands it over as a file (kind=file) with the name description-{first 16 digits of its hash}.tar.gz.
 *
 * A property bag is `key=value&key=value`, both percent-encoded (so it holds no "/", "+" or "#"), as on Azure IoT Hub.
 */
export const LANES = ["urgent", "normal", "late"] as const;
export type Lane = (typeof LANES)[number];

/** Station names: also MQTT client ids, user names, SQL keys. */
export const STATION_NAME = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;

export const topicsOf = (station: string) => {
  const root = `ps/1/${station}`;
  return {
    root,
    message: (lane: Lane, properties: Readonly<Record<string, string>>) => `${root}/${lane}/${bagFrom(properties)}`,
    twinGet: (rid: string) => `${root}/twin/get/${rid}`,
    twinReport: (rid: string) => `${root}/twin/report/${rid}`,
    twinFull: (rid: string) => `${root}/twin/full/${rid}`,
    twinReported: (rid: string) => `${root}/twin/reported/${rid}`,
    twinRefused: (rid: string) => `${root}/twin/refused/${rid}`,
    twinDesired: `${root}/twin/desired`,
    commandCall: (id: string) => `${root}/command/call/${id}`,
    commandAnswer: (id: string) => `${root}/command/answer/${id}`,
    ledger: `${root}/ledger`,
    alive: `${root}/alive`,
    enrolRequest: (rid: string) => `${root}/enrol/request/${rid}`,
    enrolDescription: (rid: string) => `${root}/enrol/description/${rid}`,
    enrolAnswer: (rid: string) => `${root}/enrol/answer/${rid}`,
    /** What a station subscribes to. */
    down: [
      `${root}/twin/full/+`,
      `${root}/twin/reported/+`,
      `${root}/twin/refused/+`,
      `${root}/twin/desired`,
      `${root}/command/call/+`,
      `${root}/ledger`,
    ],
    /** What a station may publish to (MQTT filters). */
    up: [
      `${root}/urgent/+`,
      `${root}/normal/+`,
      `${root}/late/+`,
      `${root}/twin/get/+`,
      `${root}/twin/report/+`,
      `${root}/command/answer/+`,
      `${root}/alive`,
    ],
    /** What a connection that enrols subscribes to, and what it may publish to (MQTT filters). */
    enrolDown: [`${root}/enrol/answer/+`],
    enrolUp: [`${root}/enrol/request/+`, `${root}/enrol/description/+`],
  };
};

/** The name under which a station hands over its description, by that one's hash. */
export const descriptionFile = (hash: string): string => `description-${hash.slice(0, 16)}.tar.gz`;
/** The first digits of the hash. */
export const DESCRIPTION_FILE = /^description-([0-9a-f]{16})\.tar\.gz$/;

const ENROL = "enrol.";

/** No station's name has a dot, so that who enrols never takes over a station's connection. */
export const enrolClientId = (station: string): string => `${ENROL}${station}`;

/** Which station a client id is of, and what for; undefined when it is no station's. */
export function clientFrom(clientId: string): { station: string; isEnrolling: boolean } | undefined {
  const isEnrolling = clientId.startsWith(ENROL);
  const station = isEnrolling ? clientId.slice(ENROL.length) : clientId;
  return STATION_NAME.test(station) ? { station, isEnrolling } : undefined;
}

/** A topic of any station taken apart; undefined when it isn't one of ours. */
export function topicParts(topic: string): { station: string; path: readonly string[] } | undefined {
  const [ps, version, station, ...path] = topic.split("/");
  if (ps !== "ps" || version !== "1" || !station || !STATION_NAME.test(station) || path.length === 0) return undefined;
  return { station, path };
}

export const bagFrom = (properties: Readonly<Record<string, string>>): string =>
  Object.entries(properties)
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join("&");

/** Throws URIError on a broken percent sequence. */
export function propertiesFromBag(bag: string): Record<string, string> {
  const properties: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const pair of bag.split("&")) {
    if (!pair) continue;
    const at = pair.indexOf("=");
    const key = decodeURIComponent(at < 0 ? pair : pair.slice(0, at));
    properties[key] = at < 0 ? "" : decodeURIComponent(pair.slice(at + 1));
  }
  return properties;
}
