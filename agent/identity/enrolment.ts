/**
 * Asking for a certificate, trying one out, and asking for the description that the station handed over: over MQTT on a
 * connection of its own (wire/topics.ts), so that the one that carries readings goes on meanwhile, whatever comes of it.
 */
import { createHash } from "node:crypto";
import { CloudError } from "../cloud/cloud.ts";
import {
  BUILD_DATE_MS,
  CONNECT_TIMEOUT_MS,
  ENROL_ANSWER_MS,
  KEEP_ALIVE_FIRST_S,
  PUBLISH_DEADLINE_MS,
  UPDATE_PACKED_BYTES_MAX,
} from "../limits.ts";
import { enrolClientId, topicsOf } from "../wire/topics.ts";
import type { Chance, Clock, MqttClients, MqttConnection, MqttOptions, Secret, Timers } from "../world.ts";
import { certificateFrom, descriptionPartFrom } from "./enrol-answers.ts";

/** With what a board proves that it may ask. */
export type Proof = { readonly token: Secret } | CertificateProof;
/** PEM, both. */
export interface CertificateProof {
  readonly certificate: string;
  readonly privateKey: Secret;
}

/** What the station ran when it was last heard of. */
export interface HandedOver {
  /** Of the description; only its first digits where the cloud knows no more. */
  readonly hash: string;
  /** update/archive.ts; its bytes are those that the station sent. */
  readonly archive: Uint8Array;
}

/** Each throws CloudError: "reprovision" when the proof is refused, "stop" with the answer's words, else "retry". */
export interface Enrolment {
  /** Resolves with the certificate, PEM. */
  ask(proof: Proof, request: { readonly csr: string; readonly adopt: boolean }, signal: AbortSignal): Promise<string>;
  /** Resolves when the cloud has let it in. */
  tryOut(certificate: string, privateKey: Secret, signal: AbortSignal): Promise<void>;
  /** undefined: the station has handed nothing over. */
  description(proof: Proof, signal: AbortSignal): Promise<HandedOver | undefined>;
  /** False: the cloud knows whose a certificate is by other means than its subject. Default: true. */
  readonly isNamedByCertificate?: boolean;
  /** In words for whoever enrols: what a refused proof means, and how a board that was thrown out comes back. */
  readonly advice?: { readonly refused: string; readonly again: string };
}

export interface EnrolmentDeps {
  readonly clients: MqttClients;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
}

export function createMqttEnrolment(
  deps: EnrolmentDeps,
  { url, station, ca }: { readonly url: string; readonly station: string; readonly ca?: string },
): Enrolment {
  const topics = topicsOf(station);
  const { clock } = deps;

  const connect = async (proof: Proof, signal: AbortSignal): Promise<MqttConnection> => {
    const options: MqttOptions = {
      url,
      clientId: enrolClientId(station),
      username: station,
      keepAliveS: KEEP_ALIVE_FIRST_S,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      ...(ca !== undefined && { ca }),
      ...("token" in proof ? { password: proof.token } : { cert: proof.certificate, key: proof.privateKey }),
      // Certificates are judged by the system's clock only when something vouches for it.
      ...(clock.isWallTrusted() ? {} : { notBeforeMs: Math.max(BUILD_DATE_MS, clock.wallMs()) }),
    };
    try {
      return await deps.clients.connect(options, signal);
    } catch (error) {
      signal.throwIfAborted();
      const isRefused = error instanceof Error && "code" in error && error.code === "refused";
      throw new CloudError(isRefused ? "reprovision" : "retry", `enrol with ${url}: ${textOf(error)}`, {
        cause: error,
      });
    }
  };

  const onConnection = async <T>(
    proof: Proof,
    signal: AbortSignal,
    work: (mqtt: MqttConnection) => Promise<T>,
  ): Promise<T> => {
    const mqtt = await connect(proof, signal);
    const close = (): void => void mqtt.close();
    signal.addEventListener("abort", close, { once: true });
    try {
      return await work(mqtt);
    } finally {
      signal.removeEventListener("abort", close);
      await mqtt.close();
    }
  };

  const askFor = async (mqtt: MqttConnection, topicFor: (rid: string) => string, question: object) => {
    const rid = Buffer.from(deps.chance.bytes(6)).toString("hex");
    await mqtt.subscribe([topics.enrolAnswer(rid)]);
    const payload = new TextEncoder().encode(JSON.stringify(question));
    const answer = answerOn(deps.timers, mqtt, topics.enrolAnswer(rid));
    const [bytes] = await Promise.all([
      answer,
      mqtt.publish(topicFor(rid), payload, { deadlineMs: PUBLISH_DEADLINE_MS }),
    ]);
    return bytes;
  };

  /** All its parts have to be of one archive: the station may hand over another one meanwhile. */
  const inParts = async (mqtt: MqttConnection): Promise<HandedOver | undefined> => {
    const bodies: Uint8Array[] = [];
    for (let part = 1, bytes = 0; ; part++) {
      const given = descriptionPartFrom(await askFor(mqtt, topics.enrolDescription, { part }), part);
      if (!given) return undefined;
      bodies.push(given.body);
      bytes += given.body.length;
      if (bytes > UPDATE_PACKED_BYTES_MAX) throw new CloudError("stop", "the description is too large");
      if (part < given.parts) continue;
      const archive = Buffer.concat(bodies);
      if (createHash("sha256").update(archive).digest("hex") !== given.sha256)
        throw new CloudError("retry", "the description isn't what the station handed over: its SHA-256 is another one");
      return { hash: given.hash, archive };
    }
  };

  return {
    ask: (proof, { csr, adopt }, signal) =>
      onConnection(proof, signal, async (mqtt) =>
        certificateFrom(await askFor(mqtt, topics.enrolRequest, adopt ? { csr, adopt } : { csr })),
      ),
    tryOut: (certificate, privateKey, signal) => onConnection({ certificate, privateKey }, signal, async () => {}),
    description: (proof, signal) => onConnection(proof, signal, inParts),
  };
}

function answerOn(timers: Timers, mqtt: MqttConnection, topic: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(ENROL_ANSWER_MS, () =>
      reject(new CloudError("retry", `enrol: no answer within ${ENROL_ANSWER_MS / 1000} s`)),
    );
    mqtt.onMessage((at, payload) => {
      if (at !== topic) return;
      cancel();
      resolve(payload);
    });
    mqtt.onClosed((reason) => {
      cancel();
      reject(new CloudError("retry", `enrol: connection closed: ${reason}`));
    });
  });
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
