import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { describe, expect, it } from "vitest";
import { createFrontDoor } from "./front-door.ts";
import type { PacketServer } from "./link.ts";
import { connectInMemory } from "./memory-device.ts";
import { connectPacket } from "./testing/raw-device.ts";

function doorWith() {
  const time = createSimulatedTime();
  const heard: string[] = [];
  const server = (name: string): PacketServer => ({
    accept: () => ({
      onPacket: ({ cmd }) => void heard.push(`${name} ${cmd}`),
      onClosed: () => void heard.push(`${name} closed`),
      onNonsense: (what) => void heard.push(`${name} ${what}`),
    }),
  });
  const door = createFrontDoor(time, { hub: server("hub"), dps: server("dps") });
  let closed: string | undefined;
  const link = connectInMemory(door, time, {
    onPacket: () => undefined,
    onClosed: (how) => {
      closed = how;
    },
  });
  return { time, heard, door, link, closed: () => closed };
}

describe("one port for hub and provisioning service", () => {
  it.each([
    ["hub", "local-hub.azure-devices.net/gw1/?api-version=2021-04-12"],
    ["dps", "0ne1/registrations/gw1/api-version=2019-03-31"],
    ["hub", ""],
  ])("leads to the %s with the user name %j", async (name, username) => {
    const { time, heard, link } = doorWith();
    link.send({ ...connectPacket("gw1"), username });
    link.send({ cmd: "pingreq" });
    await time.advance(120_000);
    link.close();
    await time.advance(1);
    expect(heard).toEqual([`${name} connect`, `${name} pingreq`, `${name} closed`]);
  });

  it("closes on who says nothing for a minute, and on nonsense", async () => {
    const { time, door, closed } = doorWith();
    await time.advance(61_000);
    expect(closed()).toBe("fin");
    let ended = false;
    const link = { send: () => undefined, cut: () => undefined, close: () => (ended = true) };
    door.accept(link, []).onNonsense("noise");
    expect(ended).toBe(true);
  });
});
