import { readFileSync } from "node:fs";
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { loadStation } from "@pump-station/sensor-descriptions/load.ts";
import { expect, test } from "vitest";
import { createPortService } from "../hardware/port-service.ts";
import { createContacts } from "./contacts.ts";
import { pinsOf } from "./rain-gauges.ts";

const STATION = `format: 1
station: lake
ports:
  pins:
    gpio: chip
devices:
  door:
    type: door-contact
    port: pins
    pin: DOOR
  lamp:
    type: relay
    port: pins
    pin: 5
`;

test("a door is shut but for visits, and a relay is what the agent drives", async () => {
  const { station } = loadStation({ path: "station.yaml", text: STATION }, (type) => {
    const url = new URL(`../../sensor-descriptions/sensors/${type}.yaml`, import.meta.url);
    return { path: `sensors/${type}.yaml`, text: readFileSync(url, "utf8") };
  });
  if (!station) throw new Error("the station doesn't load");
  const time = createSimulatedTime();
  const ports = createPortService({ buses: new Map(), pins: pinsOf(station) });
  const contacts = createContacts({ station, clock: time.clock, ports });
  let say: (line: string) => void = () => undefined;
  ports.serve({
    send: () => undefined,
    onLine: (listener) => void (say = listener),
    onClosed: () => undefined,
    close: () => undefined,
  });
  expect(contacts.now()).toEqual({ door: { door: 1 }, lamp: { relay: 0 } });
  say('{"id":1,"chip":"chip","drive":{"pin":5,"level":1}}');
  await time.advance(100_000);
  contacts.move();
  expect(contacts.now()).toEqual({ door: { door: 0 }, lamp: { relay: 1 } });
});
