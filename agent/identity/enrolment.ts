/**
 * Asking for a certificate, and trying one out: over MQTT on a connection of its own (wire/topics.ts), so that the one
 * that carries readings goes on meanwhile, whatever comes of it.
 */
import { CloudError } from "../cloud/cloud.ts";
import {
  BUILD_DATE_MS,
  CERTIFICATE_BYTES_MAX,
  CONNECT_TIMEOUT_MS,
  ENROL_ANSWER_MS,
  KEEP_ALIVE_FIRST_S,
  PUBLISH_DEADLINE_MS,
} from "../limits.ts";
import { enrolClientId, topicsOf } from "../wire/topics.ts";
import type { Chance, Clock, MqttClients, MqttConnection, MqttOptions, Secret, Timers } from "../world.ts";

/** With what a board proves that it may ask. */
export type Proof = { readonly token: Secret } | { readonly certificate: string; readonly privateKey: Secret };

/** Each throws CloudError: "reprovision" when the proof is refused, "stop" with the answer's words, else "retry". */
export interface Enrolment {
  /** Resolves with the certificate, PEM. */
  ask(proof: Proof, request: { readonly csr: string; readonly adopt: boolean }, signal: AbortSignal): Promise<string>;
  /** Resolves when the cloud has let it in. */
  tryOut(certificate: string, privateKey: Secret, signal: AbortSignal): Promise<void>;
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

  return {
    ask: async (proof, request, signal) => {
      const mqtt = await connect(proof, signal);
      const close = (): void => void mqtt.close();
      signal.addEventListener("abort", close, { once: true });
      try {
        const rid = Buffer.from(deps.chance.bytes(6)).toString("hex");
        await mqtt.subscribe([topics.enrolAnswer(rid)]);
        const { csr, adopt } = request;
        const payload = new TextEncoder().encode(JSON.stringify(adopt ? { csr, adopt } : { csr }));
        const answer = answerOn(deps.timers, mqtt, topics.enrolAnswer(rid));
        const [bytes] = await Promise.all([
          answer,
          mqtt.publish(topics.enrolRequest(rid), payload, { deadlineMs: PUBLISH_DEADLINE_MS }),
        ]);
        return certificateFrom(bytes);
      } finally {
        signal.removeEventListener("abort", close);
        await mqtt.close();
      }
    },
    tryOut: async (certificate, privateKey, signal) => {
      const mqtt = await connect({ certificate, privateKey }, signal);
      await mqtt.close();
    },
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

const ERROR_LENGTH_MAX = 300;

/** {certificate} or {error, advice?}. */
function certificateFrom(payload: Uint8Array): string {
  const answer = payload.length > CERTIFICATE_BYTES_MAX ? undefined : objectFrom(payload);
  const certificate = answer?.["certificate"];
  if (typeof certificate === "string") return certificate;
  const words = [answer?.["error"], answer?.["advice"]].filter((text) => typeof text === "string").join("; ");
  if (words === "") throw new CloudError("retry", `enrol: an answer of ${payload.length} bytes that can't be read`);
  throw new CloudError("stop", `the cloud gives no certificate: ${words.slice(0, ERROR_LENGTH_MAX)}`);
}

function objectFrom(payload: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as unknown;
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
