/**
 * What a hub meters: messages in blocks, begun ones counted whole. Counted for all of them at once, whichever cloud it is,
 * so that a change can be priced. Handshakes and pings are free on all.
 *
 *   azure       4 KB   IoT Hub, S1 to S3: body and properties
 *   azure-free  0.5 KB the free tier
 *   aws         5 KB   IoT Core: topic and payload
 *
 * Telemetry is what the station measures. The rest: cloud settings asked for, sent and reported, receipts, commands.
 */
import type { Cloud, CloudConnection } from "../cloud/cloud.ts";

export interface Units {
  readonly azure: number;
  readonly "azure-free": number;
  readonly aws: number;
}

export interface MeteredUnits {
  readonly telemetry: Units;
  readonly other: Units;
}

const NONE: Units = { azure: 0, "azure-free": 0, aws: 0 };
export const NO_UNITS: MeteredUnits = { telemetry: NONE, other: NONE };

const BLOCK_BYTES: Units = { azure: 4_096, "azure-free": 512, aws: 5_120 };
/** ps/1/, the station, the lane: what stands in a topic before the properties. */
const TOPIC_BYTES = 48;

const unitsOf = (bytes: number): Units => ({
  azure: Math.max(1, Math.ceil(bytes / BLOCK_BYTES.azure)),
  "azure-free": Math.max(1, Math.ceil(bytes / BLOCK_BYTES["azure-free"])),
  aws: Math.max(1, Math.ceil((bytes + TOPIC_BYTES) / BLOCK_BYTES.aws)),
});

const sum = (a: Units, b: Units): Units => ({
  azure: a.azure + b.azure,
  "azure-free": a["azure-free"] + b["azure-free"],
  aws: a.aws + b.aws,
});

export const withMessage = (units: MeteredUnits, kind: keyof MeteredUnits, bytes: number): MeteredUnits => ({
  ...units,
  [kind]: sum(units[kind], unitsOf(bytes)),
});

/** The same cloud; `meter` is told of each message that it will charge for, both ways. */
export function meteredCloud(cloud: Cloud, meter: (kind: keyof MeteredUnits, bytes: number) => void): Cloud {
  return { connect: async (signal) => metered(await cloud.connect(signal), meter) };
}

function metered(
  connection: CloudConnection,
  meter: (kind: keyof MeteredUnits, bytes: number) => void,
): CloudConnection {
  return {
    publish: (message) => {
      const bag = Object.entries(message.properties).reduce(
        (bytes, [key, value]) => bytes + key.length + value.length,
        0,
      );
      meter("telemetry", message.payload.length + bag);
      return connection.publish(message);
    },
    getTwin: async (known) => {
      const documents = await connection.getTwin(known);
      meter("other", jsonBytes(documents));
      return documents;
    },
    report: (patch) => {
      meter("other", jsonBytes(patch));
      return connection.report(patch);
    },
    onDesired: (listener) =>
      connection.onDesired((patch, basis) => {
        meter("other", jsonBytes(patch));
        listener(patch, basis);
      }),
    onCommand: (listener) =>
      connection.onCommand(async (call) => {
        meter("other", jsonBytes(call));
        const answer = await listener(call);
        meter("other", jsonBytes(answer));
        return answer;
      }),
    onLedger: (listener) =>
      connection.onLedger((payload) => {
        meter("other", payload.length);
        listener(payload);
      }),
    onClosed: (listener) => connection.onClosed(listener),
    ...leftOutAsIn(connection),
    close: () => connection.close(),
  };
}

/** What a dialect may leave out is left out here, too. */
const leftOutAsIn = (
  connection: CloudConnection,
): Pick<CloudConnection, "use" | "reportBytesMax" | "payloadBytesMax" | "requestCertificate"> => {
  const [use, reportBytesMax] = [connection.use?.bind(connection), connection.reportBytesMax?.bind(connection)];
  const payloadBytesMax = connection.payloadBytesMax?.bind(connection);
  const requestCertificate = connection.requestCertificate?.bind(connection);
  return {
    ...(use && { use }),
    ...(reportBytesMax && { reportBytesMax }),
    ...(payloadBytesMax && { payloadBytesMax }),
    ...(requestCertificate && { requestCertificate }),
  };
};

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
