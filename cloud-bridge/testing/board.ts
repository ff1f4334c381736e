/** A board with a key of its own, as far as enrolment goes: real TLS, real MQTT. */
import { createPrivateKey, webcrypto } from "node:crypto";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { enrolClientId, topicsOf } from "@pump-station/agent/wire/topics.ts";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import type { RunningBridge } from "./running-bridge.ts";

type Where = Pick<RunningBridge, "url" | "ca">;

export interface Board {
  readonly key: string;
  readonly csr: string;
}
export type Proof = { readonly token: string } | { readonly certificate: string; readonly key: string };
export type Answer = {
  readonly certificate?: string;
  readonly error?: string;
  readonly hash?: string;
  readonly body?: string;
};

export async function makeBoard(
  station: string,
  algorithm: RsaHashedKeyGenParams | EcKeyGenParams = EC,
): Promise<Board> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const csr = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${station}`,
    keys,
    signingAlgorithm: { name: algorithm.name, hash: "SHA-256" },
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({ format: "pem", type: "pkcs8" });
  return { key: key.toString(), csr: csr.toString("pem") };
}
const EC: EcKeyGenParams = { name: "ECDSA", namedCurve: "P-256" };
type EcKeyGenParams = webcrypto.EcKeyGenParams;
type RsaHashedKeyGenParams = webcrypto.RsaHashedKeyGenParams;

export const enrol = (
  where: Where,
  station: string,
  proof: Proof,
  { csr }: Pick<Board, "csr">,
  more: { readonly adopt?: true } = {},
): Promise<Answer> => ask(where, station, proof, topicsOf(station).enrolRequest("1"), { csr, ...more });

export const askForDescription = (where: Where, station: string, proof: Proof, part: number): Promise<Answer> =>
  ask(where, station, proof, topicsOf(station).enrolDescription("1"), { part });

async function ask(where: Where, station: string, proof: Proof, topic: string, question: object): Promise<Answer> {
  const client = await connect(where, {
    clientId: enrolClientId(station),
    ...("token" in proof ? { username: station, password: proof.token } : { cert: proof.certificate, key: proof.key }),
  });
  try {
    await client.subscribeAsync(topicsOf(station).enrolAnswer("1"), { qos: 1 });
    const answered = new Promise<Answer>((resolve, reject) => {
      client.once("message", (_, payload) => resolve(JSON.parse(payload.toString()) as Answer));
      client.once("close", () => reject(new Error("closed without an answer")));
    });
    await client.publishAsync(topic, JSON.stringify(question), { qos: 1 });
    return await answered;
  } finally {
    await client.endAsync(true);
  }
}

/** As the station itself, by its certificate. */
export const comeIn = (where: Where, station: string, cert: string, { key }: Pick<Board, "key">): Promise<MqttClient> =>
  connect(where, { clientId: station, cert, key });

async function connect({ url, ca }: Where, options: IClientOptions): Promise<MqttClient> {
  const client = await connectAsync(url, { ca, reconnectPeriod: 0, connectTimeout: 5_000, ...options }, false);
  client.on("error", () => undefined);
  return client;
}
