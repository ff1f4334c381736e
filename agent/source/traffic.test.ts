import { describe, expect, it } from "vitest";
import { TRAFFIC_BYTES_MAX, TRAFFIC_KINDS_MAX, TRAFFIC_TRANSFERS_MAX } from "../limits.ts";
import { createTraffic } from "./traffic.ts";

const bytes = (...some: number[]) => Uint8Array.from(some);

describe("the newest traffic of a device", () => {
  it("is one exchange of each kind: what was sent, all portions that were heard, how it ended", () => {
    const traffic = createTraffic();
    for (const [start, how] of [
      [1, "timeout"],
      [7, "answer"],
    ] as const) {
      const exchange = traffic.begin("read status", bytes(9), start);
      exchange.heard(bytes(start));
      exchange.heard(bytes(2, 3));
      exchange.ended(how);
    }
    traffic.report("report wind", bytes(4), 8);
    expect(traffic.read().exchanges).toEqual([
      { what: "read status", sent: bytes(9), heard: bytes(7, 2, 3), bootMs: 7, ended: "answer" },
      { what: "report wind", sent: bytes(), heard: bytes(4), bootMs: 8, ended: "report" },
    ]);
  });

  it("is bounded in kinds, bytes and transfers", () => {
    const traffic = createTraffic();
    for (let i = 0; i < 100; i++) {
      const exchange = traffic.begin(`read ${i}`, bytes(1), i);
      for (let portion = 0; portion < 10; portion++) exchange.heard(new Uint8Array(700));
      exchange.ended("timeout");
    }
    traffic.conversation("measured", 0);
    for (let i = 0; i < 100; i++) traffic.transfer({ write: bytes(1), read: bytes(2) });
    const { exchanges, transfers } = traffic.read();
    expect(exchanges).toHaveLength(TRAFFIC_KINDS_MAX);
    expect(exchanges[0]?.heard).toHaveLength(TRAFFIC_BYTES_MAX);
    expect(transfers?.measured).toHaveLength(TRAFFIC_TRANSFERS_MAX);
  });

  it("keeps what bytes were, whatever their buffer holds later", () => {
    const traffic = createTraffic();
    const portion = bytes(1, 2);
    const exchange = traffic.begin("read", bytes(), 0);
    exchange.heard(portion);
    portion.fill(9);
    exchange.ended("answer");
    expect(traffic.read().exchanges[0]?.heard).toEqual(bytes(1, 2));
  });

  it("of a chip keeps its preparation beside each newer measurement", () => {
    const traffic = createTraffic();
    traffic.conversation("prepared", 1);
    traffic.transfer({ write: bytes(0xd0), read: bytes(0x60) });
    for (const value of [1, 2]) {
      traffic.conversation("measured", 1 + value);
      traffic.transfer({ write: bytes(0xf7), read: bytes(value) });
    }
    expect(traffic.read().transfers).toEqual({
      bootMs: 3,
      prepared: [{ write: bytes(0xd0), read: bytes(0x60) }],
      measured: [{ write: bytes(0xf7), read: bytes(2) }],
    });
  });
});
