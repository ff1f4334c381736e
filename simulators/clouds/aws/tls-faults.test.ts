/** The agent's AWS IoT Core dialect through mqtt.js over real TLS, when things go wrong. */
import { createAwsIotCoreCloud } from "@pump-station/agent/cloud/aws-iot-core/aws-iot-core.ts";
import { describeCloudFaults } from "@pump-station/agent/cloud/cloud-faults.conformance.ts";
import { createMqttClients } from "@pump-station/agent/linux/connections/mqtt.ts";
import { Secret } from "@pump-station/agent/world.ts";
import { createHastenedTime } from "../azure/testing/hastened-time.ts";
import { createAwsFarSide } from "./testing/far-side.ts";
import { hastenedClients } from "./testing/hastened-clients.ts";
import { startTlsCloud } from "./testing/tls-cloud.ts";

const STATION = "demo-lake";
/** Minutes of silence and deadlines pass in a moment. */
const HASTE = 25;

describeCloudFaults("AWS IoT Core over TLS", async () => {
  const local = await startTlsCloud(STATION);
  const time = createHastenedTime(HASTE);
  const cloud = createAwsIotCoreCloud(
    {
      ...local,
      ...time,
      clients: hastenedClients(createMqttClients(), HASTE),
      log: () => undefined,
      credentials: () => ({
        ca: local.ca,
        certificate: local.client.certificate,
        privateKey: new Secret(local.client.key),
      }),
    },
    { host: "localhost", port: local.port, station: STATION, connectTimeoutMs: 5_000 },
  );
  const { faults } = local.aws;
  return {
    cloud,
    far: createAwsFarSide(local.aws, STATION),
    cut: () => local.aws.cut(STATION),
    shut: local.close,
    dispose: local.close,
    pass: (ms) => time.timers.sleep(ms),
    faults: {
      loseAcknowledgement: () => {
        faults.loseAcknowledgements = 1;
      },
      acknowledgeTwice: () => {
        faults.acknowledgeTwice = 1;
      },
      // The cloud's own time isn't hastened.
      delayAcknowledgements: (ms) => {
        faults.delayAcknowledgementsMs = ms / HASTE;
      },
      cutMidMessage: () => {
        faults.cutMidMessage = 1;
      },
      throttleMessage: () => {
        faults.throttleMessages = 1;
      },
      expire: () => {
        local.things.deactivate(STATION);
        local.aws.cut(STATION);
      },
      deliverTwice: () => {
        faults.deliverTwice = 1;
      },
      throttle: () => {
        faults.throttleRequests = 1;
      },
      refuse: () => local.things.deactivate(STATION),
      admit: () => local.things.register(STATION),
      freeze: () => local.aws.freeze(STATION),
      takeOver: async () => (await cloud.connect(new AbortController().signal)).close(),
      forgetSession: () => local.aws.forgetSession(STATION),
      skew: (ms) => {
        time.clock.skewMs = ms;
      },
    },
  };
});
