import fc from "fast-check";
import { expect, test } from "vitest";
import type { LinePeer } from "../world.ts";
import { createChipBus } from "./i2c-chip.ts";
import { createPortService } from "./port-service.ts";

function connected() {
  const chip = {
    transfer: (write: Uint8Array, length: number) =>
      write[0] === 0xf7 ? new Uint8Array(length).fill(0xab) : undefined,
  };
  const service = createPortService({
    buses: new Map([["mast", createChipBus(new Map([[0x76, chip]]))]]),
    pins: new Map([["pins", new Set([17])]]),
  });
  const sent: unknown[] = [];
  let say: (line: string) => void = () => undefined;
  let hangUp = (): void => undefined;
  let isClosed = false;
  const peer: LinePeer = {
    send: (line) => void sent.push(JSON.parse(line)),
    onLine: (listener) => void (say = listener),
    onClosed: (listener) => void (hangUp = listener),
    close: () => void (isClosed = true),
  };
  service.serve(peer);
  return { service, sent, say: (line: string) => say(line), hangUp: () => hangUp(), isClosed: () => isClosed };
}

test("a transfer is answered with its bytes, or with why there are none", () => {
  const { say, sent } = connected();
  say('{"id":1,"bus":"mast","transfer":{"address":118,"write":"f7","read":3}}');
  say('{"id":2,"bus":"mast","transfer":{"address":119,"write":"f7","read":3}}');
  say('{"id":3,"bus":"cellar","transfer":{"address":118,"write":"f7","read":3}}');
  expect(sent).toEqual([
    { id: 1, bytes: "ababab" },
    { id: 2, error: "nack" },
    { id: 3, error: "absent" },
  ]);
});

test("edges are told to whoever watches that pin and edge, once, until it hangs up", () => {
  const { service, say, sent, hangUp } = connected();
  say('{"id":1,"chip":"pins","watch":{"pin":17,"edge":"falling"}}');
  say('{"id":2,"chip":"pins","watch":{"pin":17,"edge":"falling"}}');
  expect(service.edge("pins", 17, { atMs: 5.5, edge: "rising" })).toBe(0);
  expect(service.edge("pins", 17, { atMs: 6.5, edge: "falling" })).toBe(1);
  hangUp();
  expect(service.edge("pins", 17, { atMs: 7.5, edge: "falling" })).toBe(0);
  expect(sent.slice(2)).toEqual([{ edge: { chip: "pins", pin: 17, ms: 6.5 } }]);
});

test("a pin that isn't there is absent", () => {
  const { say, sent } = connected();
  say('{"id":1,"chip":"pins","watch":{"pin":4,"edge":"falling"}}');
  expect(sent).toEqual([{ id: 1, error: "absent" }]);
});

test("whatever is said that isn't a request ends the connection and throws nothing", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((it) => `{"id":1,"bus":"mast","transfer":${it}}`),
      ),
      (line) => {
        const { say, sent, isClosed } = connected();
        say(line);
        expect(isClosed() || sent.length === 1).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test("a wire is what is put on it until the agent drives it, and every change is told to those who watch both edges", () => {
  const { service, say, sent, hangUp } = connected();
  say('{"id":1,"chip":"pins","watch":{"pin":17,"edge":"both"}}');
  service.put("pins", 17, 1, 5);
  service.put("pins", 17, 1, 6);
  say('{"id":2,"chip":"pins","level":{"pin":17}}');
  say('{"id":3,"chip":"pins","drive":{"pin":17,"level":0}}');
  expect(service.level("pins", 17)).toBe(0);
  expect(sent).toEqual([
    { id: 1, ok: true },
    { edge: { chip: "pins", pin: 17, ms: 5 } },
    { id: 2, level: 1 },
    { id: 3, ok: true },
  ]);
  hangUp();
  expect(service.level("pins", 17)).toBe(1);
});

test("pins that don't exist are absent, and nonsense about one ends the connection", () => {
  const { say, sent, isClosed } = connected();
  say('{"id":1,"chip":"pins","level":{"pin":18}}');
  say('{"id":2,"chip":"pins","drive":{"pin":"RAIN","level":1}}');
  expect(sent).toEqual([
    { id: 1, error: "absent" },
    { id: 2, error: "absent" },
  ]);
  expect(isClosed()).toBe(false);
  say('{"id":3,"chip":"pins","drive":{"pin":17,"level":2}}');
  expect(isClosed()).toBe(true);
});
