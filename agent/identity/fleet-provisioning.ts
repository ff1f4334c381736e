/**
 * A certificate from AWS IoT Core by fleet provisioning (developer guide, "Provisioning by claim", "Device provisioning
 * MQTT API"): the board makes its key, shows a claim certificate that whole series of boards have, and a template in the
 * account says what it becomes. On a connection of its own:
 *
 *   $aws/certificates/create-from-csr/json                  {certificateSigningRequest}
 *     …/accepted  {certificateId, certificatePem, certificateOwnershipToken}
 *   $aws/provisioning-templates/{template}/provision/json   {certificateOwnershipToken, parameters}
 *     …/accepted  {thingName, deviceConfiguration}
 *   …/rejected    {statusCode, errorCode, errorMessage}
 *
 * The next certificate is asked for with the one that the board has, where its policy allows that, else with the claim.
 * A connection that isn't allowed is closed without a word, so a close counts as a no to the board's own certificate.
 */
import { awsPlace } from "../cloud/aws-iot-core/aws-iot-core.ts";
import { CloudError } from "../cloud/cloud.ts";
import { objectFrom, PayloadError } from "../cloud/payloads.ts";
import {
  BUILD_DATE_MS,
  CERTIFICATE_BYTES_MAX,
  CONNECT_TIMEOUT_MS,
  ENROL_ANSWER_MS,
  KEEP_ALIVE_FIRST_S,
  PUBLISH_DEADLINE_MS,
} from "../limits.ts";
import { enrolClientId } from "../wire/topics.ts";
import type { JsonObject } from "../wire/twin-document.ts";
import type { MqttConnection, MqttOptions, Secret } from "../world.ts";
import type { CertificateProof, Enrolment, EnrolmentDeps, Proof } from "./enrolment.ts";

export interface FleetProvisioning {
  readonly host: string;
  readonly port: number;
  readonly station: string;
  readonly ca?: string;
  readonly template: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** What is left, should the board's own certificate not be allowed to ask. */
  readonly claim: () => CertificateProof | undefined;
}

const TEXT_MAX = 300;
const FROM_CSR = "$aws/certificates/create-from-csr/json";

export function createFleetProvisioning(deps: EnrolmentDeps, config: FleetProvisioning): Enrolment {
  const { clock, timers } = deps;
  const { station, template } = config;
  const register = `$aws/provisioning-templates/${template}/provision/json`;

  const connect = async (clientId: string, proof: Proof, signal: AbortSignal): Promise<MqttConnection> => {
    if ("token" in proof) throw new CloudError("stop", "AWS takes a claim certificate, no token");
    const options: MqttOptions = {
      ...awsPlace(config),
      clientId,
      keepAliveS: KEEP_ALIVE_FIRST_S,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      ...(config.ca !== undefined && { ca: config.ca }),
      ...{ cert: proof.certificate, key: proof.privateKey },
      ...(clock.isWallTrusted() ? {} : { notBeforeMs: Math.max(BUILD_DATE_MS, clock.wallMs()) }),
    };
    try {
      return await deps.clients.connect(options, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new CloudError(isNo(error) ? "reprovision" : "retry", `enrol with ${config.host}: ${textOf(error)}`, {
        cause: error,
      });
    }
  };

  const exchange = async (mqtt: MqttConnection, csr: string): Promise<string> => {
    await mqtt.subscribe([...answersOf(FROM_CSR), ...answersOf(register)]);
    const request = (topic: string, body: object): Promise<JsonObject> => requestOn(timers, mqtt, topic, body);
    const given = await request(FROM_CSR, { certificateSigningRequest: csr });
    const { certificatePem, certificateOwnershipToken } = given;
    if (typeof certificatePem !== "string" || typeof certificateOwnershipToken !== "string")
      throw new CloudError("retry", "enrol: an answer without a certificate");
    const thing = await request(register, { certificateOwnershipToken, parameters: config.parameters });
    if (thing["thingName"] !== station) throw new CloudError("stop", otherThing(template, thing["thingName"], station));
    return certificatePem;
  };

  return {
    isNamedByCertificate: false,
    advice: {
      refused: `the claim certificate is refused: deactivated, or its policy doesn't allow fleet provisioning with the template ${template} (docs/aws-iot-core.md)`,
      again: "pump-station enrol, with a claim certificate that is active",
    },
    ask: async (proof, { csr }, signal) => {
      const mqtt = await connect(enrolClientId(station), proof, signal);
      const close = (): void => void mqtt.close();
      signal.addEventListener("abort", close, { once: true });
      try {
        return await exchange(mqtt, csr);
      } catch (error) {
        signal.throwIfAborted();
        const claim = config.claim();
        const isOwn = claim !== undefined && "certificate" in proof && proof.certificate !== claim.certificate;
        throw asCloudError(error, isOwn);
      } finally {
        signal.removeEventListener("abort", close);
        await mqtt.close();
      }
    },
    description: () => Promise.resolve(undefined),
    // As the thing itself: no other client id is certain to be allowed. A connection that the station has makes way.
    tryOut: async (certificate: string, privateKey: Secret, signal) =>
      (await connect(station, { certificate, privateKey }, signal)).close(),
  };
}

const answersOf = (topic: string): readonly string[] => [`${topic}/accepted`, `${topic}/rejected`];

async function requestOn(
  timers: EnrolmentDeps["timers"],
  mqtt: MqttConnection,
  topic: string,
  body: object,
): Promise<JsonObject> {
  const [accepted, rejected] = answersOf(topic);
  const answer = new Promise<JsonObject>((resolve, reject) => {
    const cancel = timers.after(ENROL_ANSWER_MS, () =>
      reject(new CloudError("retry", `enrol: no answer to ${topic} within ${ENROL_ANSWER_MS / 1000} s`)),
    );
    mqtt.onMessage((at, payload) => {
      if (at !== accepted && at !== rejected) return;
      cancel();
      try {
        const message = objectFrom(payload, { bytesMax: CERTIFICATE_BYTES_MAX, depthMax: 4 });
        if (at === accepted) resolve(message);
        else reject(new Rejection(message));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    mqtt.onClosed((reason) => {
      cancel();
      reject(new CloudError("reconnect", `enrol: connection closed: ${reason}`));
    });
  });
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const [message] = await Promise.all([answer, mqtt.publish(topic, bytes, { deadlineMs: PUBLISH_DEADLINE_MS })]);
  return message;
}

class Rejection extends CloudError {
  readonly status: number;
  constructor({ statusCode, errorCode, errorMessage }: JsonObject) {
    const status = typeof statusCode === "number" ? statusCode : 400;
    // An ownership token holds for an hour; a throttled or failing service is another day's. The rest somebody mends.
    const isLater = status === 429 || status >= 500 || errorCode === "InvalidCertificateOwnershipToken";
    const words = [statusCode, errorCode, errorMessage]
      .filter((word) => word !== undefined)
      .map(String)
      .join(" ");
    super(isLater ? "retry" : "stop", `AWS gives no certificate: ${words.slice(0, TEXT_MAX)}`);
    this.status = status;
  }
}

/** `isOwn`: it was the board's own certificate, and there is a claim beside it. */
function asCloudError(error: unknown, isOwn: boolean): unknown {
  if (error instanceof PayloadError)
    return new CloudError("retry", `enrol: an answer that can't be read: ${error.message}`, { cause: error });
  if (error instanceof Rejection && isOwn && (error.status === 401 || error.status === 403))
    return new CloudError("reprovision", error.message, { cause: error });
  if (!(error instanceof CloudError) || error.next !== "reconnect") return error;
  const hint = "; if this comes each time, the certificate's policy doesn't allow fleet provisioning";
  return new CloudError(isOwn ? "reprovision" : "retry", `${error.message}${hint}`, { cause: error });
}

const otherThing = (template: string, name: unknown, station: string): string =>
  `the template ${template} made this board the thing ${JSON.stringify(name ?? null)}, and agent.yaml says station: ${station}; in the template: "ThingName": {"Ref": "ThingName"}`;

/** Refused in words, or closed instead of an answer. */
const isNo = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "refused" || error.code === "no-connack");

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
