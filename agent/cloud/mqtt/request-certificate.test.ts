import { expect, it } from "vitest";
import { createMemoryBroker } from "../../testing/memory-mqtt.ts";
import { createSimulatedTime } from "../../testing/simulated-time.ts";
import { topicParts, topicsOf } from "../../wire/topics.ts";
import { createMqttCloud } from "./mqtt.ts";

const STATION = "demo-lake";

it("the next certificate is asked for on the connection that stands, and its end ends the question", async () => {
  const time = createSimulatedTime();
  const broker = createMemoryBroker(time);
  const chance = { fraction: () => 0.5, bytes: (count: number) => new Uint8Array(count) };
  const cloud = createMqttCloud(
    { ...time, clients: broker.clients, chance, log: () => undefined },
    { url: "mqtts://broker:8883", station: STATION },
  );
  const topics = topicsOf(STATION);
  const asked: string[] = [];
  broker.subscribe(topics.enrolRequest("+"), (topic, payload) => {
    asked.push(new TextDecoder().decode(payload));
    if (asked.length > 1) return;
    broker.publish(topics.enrolAnswer(topicParts(topic)?.path[2] ?? ""), '{"certificate":"pem"}');
  });
  const connection = await cloud.connect(new AbortController().signal);
  const answer = await connection.requestCertificate?.("csr-1");
  expect([asked[0], new TextDecoder().decode(answer)]).toEqual(['{"csr":"csr-1"}', '{"certificate":"pem"}']);
  const unanswered = connection.requestCertificate?.("csr-2");
  const ended = expect(unanswered).rejects.toMatchObject({ next: "reconnect" });
  await time.advance(1_000);
  broker.cutAll();
  await ended;
});
