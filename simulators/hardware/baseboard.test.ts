import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import type { SerialProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { expect, it } from "vitest";
import { type BaseboardBehaviour, type BaseboardEvent, createBaseboard } from "./baseboard.ts";

const DEVICES = join(import.meta.dirname, "../../sensor-descriptions/testing/devices");

function boardOf(type: string, address: number, own: Partial<BaseboardBehaviour> = {}) {
  const text = readFileSync(join(DEVICES, `${type}.yaml`), "utf8");
  const protocol = loadDeviceType({ path: `${type}.yaml`, text }).type!.protocol(new Map()) as SerialProtocol;
  const sent: string[] = [];
  const events: BaseboardEvent[] = [];
  const board = createBaseboard({
    protocol,
    address,
    behaviour: { read: () => new Map(), set: () => undefined, command: () => undefined, ...own },
    timers: { after: () => () => undefined },
    send: (frame) => sent.push(Buffer.from(frame).toString("hex")),
    onEvent: (event) => events.push(event),
  });
  return { hear: (hex: string) => board.receive(Buffer.from(hex, "hex")), sent, events };
}

it("a board does what a set-up says, and is silent where nothing answers", () => {
  const board = boardOf("set-up-framed", 0);
  board.hear("7e01d32b");
  board.hear("7e03000103f8");
  expect(board.events).toEqual([
    { did: "set-up", step: 1 },
    { did: "set-up", step: 3 },
  ]);
  expect(board.sent).toEqual(["7e0100fe"]);
});

it("a board may refuse a step of the set-up", () => {
  const board = boardOf("set-up-framed", 0, { setUp: () => 0x43 });
  board.hear("7e03000103f8");
  expect(board.sent).toEqual(["7e02ff43bb"]);
  expect(board.events).toEqual([{ did: "set-up", step: 3, refused: 0x43 }]);
});

it("a Modbus board that is asked for registers that it hasn't says so instead of nothing", () => {
  const board = boardOf("set-up-modbus", 1);
  // Application protocol V1.1b3, section 7: function + 80, exception 2.
  board.hear("0103006300017414");
  expect(board.events).toEqual([{ did: "bad", reason: "malformed" }]);
  expect(board.sent).toEqual(["018302c0f1"]);
});
