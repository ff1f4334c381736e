/** The smallest honest twin authority behind a broker: speaks `wire/topics.ts` for one station. */
import type { CommandAnswer, CommandCall, Message } from "../cloud/cloud.ts";
import { LANES, type Lane, propertiesFromBag, topicParts, topicsOf } from "../wire/topics.ts";
import type { JsonObject } from "../wire/twin-document.ts";
import type { FarSide } from "./far-side.ts";
import { createMemoryTwin } from "./memory-twin.ts";

export interface BrokerSide {
  publish(topic: string, payload: Uint8Array | string): void;
  subscribe(filter: string, listener: (topic: string, payload: Uint8Array) => void): void;
}

const objectFrom = (payload: Uint8Array): JsonObject => JSON.parse(new TextDecoder().decode(payload)) as JsonObject;

export function createMemoryBridge(broker: BrokerSide, station: string): FarSide {
  const topics = topicsOf(station);
  const twin = createMemoryTwin();
  const answers = new Map<string, (answer: CommandAnswer) => void>();
  const messages: Message[] = [];
  const reports: JsonObject[] = [];
  const answer = (topic: string, body: object) => broker.publish(topic, JSON.stringify(body));
  let online: boolean | undefined;

  const onTwin = (what: string, rid: string, payload: Uint8Array): void => {
    if (far.silent) return;
    if (what === "get") return answer(topics.twinFull(rid), twin.documents());
    if (far.refuseReports !== undefined) return answer(topics.twinRefused(rid), { error: far.refuseReports });
    reports.push(objectFrom(payload));
    answer(topics.twinReported(rid), { version: twin.report(objectFrom(payload)) });
  };

  for (const filter of topics.up) {
    broker.subscribe(filter, (topic, payload) => {
      const [room = "", what = "", id = ""] = topicParts(topic)?.path ?? [];
      if (room === "alive") online = objectFrom(payload)["online"] === true;
      else if (room === "twin") onTwin(what, id, payload);
      else if (room === "command") answers.get(id)?.(objectFrom(payload) as unknown as CommandAnswer);
      else if (isLane(room)) messages.push({ lane: room, properties: propertiesFromBag(what), payload });
    });
  }

  const far: FarSide = {
    messages,
    reports,
    twin,
    get online() {
      return online;
    },
    setDesired: (patch) => answer(topics.twinDesired, twin.setDesired(patch)),
    setDesiredUnheard: (patch) => void twin.setDesired(patch),
    call: ({ id, ...call }: CommandCall) =>
      new Promise((resolve) => {
        answers.set(id, resolve);
        answer(topics.commandCall(id), call);
      }),
    sendLedger: (payload) => broker.publish(topics.ledger, payload),
    silent: false,
  };
  return far;
}

const isLane = (name: string): name is Lane => (LANES as readonly string[]).includes(name);
