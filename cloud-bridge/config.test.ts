import { expect, test } from "vitest";
import { certificateNames, configFrom, DEFAULTS, hostNamesFor } from "./config.ts";

const options = { ...DEFAULTS, data: "d", page: "p" };

test("without options the bridge listens on loopback and sends receipts once a day", () => {
  expect(configFrom(options)).toEqual({
    dataFolder: "d",
    mqttPort: 8883,
    httpPort: 8080,
    host: "127.0.0.1",
    receiptEveryMs: 86_400_000,
    askAfterMs: 300_000,
    certificateLifeMs: 365 * 86_400_000,
    renewalGraceMs: 180 * 86_400_000,
    pageFolder: "p",
    logLevel: "info",
  });
});

test("every option that can't be used is named at once", () => {
  const broken = { ...options, mqttPort: "70000", receiptEvery: "5 bananas", logLevel: "loud" };
  expect(() => configFrom(broken)).toThrow(/--mqtt-port: [\s\S]*--receipt-every: .*5 bananas[\s\S]*--log-level: /);
});

test("times carry their unit", () => {
  expect(configFrom({ ...options, receiptEvery: "5s" }).receiptEveryMs).toBe(5_000);
  expect(configFrom({ ...options, receiptEvery: "15min" }).receiptEveryMs).toBe(900_000);
  expect(() => configFrom({ ...options, receiptEvery: "5" })).toThrow();
  expect(() => configFrom({ ...options, receiptEvery: "1ms" })).toThrow();
  expect(configFrom({ ...options, askAfter: "30s" }).askAfterMs).toBe(30_000);
  expect(() => configFrom({ ...options, askAfter: "0s" })).toThrow(/--ask-after/);
});

test("a bridge beyond loopback answers to any name, and its certificate bears the address", () => {
  expect(hostNamesFor("127.0.0.1")).toContain("localhost");
  expect(hostNamesFor("10.0.0.7")).toBeUndefined();
  expect(certificateNames("10.0.0.7")).toContain("10.0.0.7");
  expect(certificateNames("0.0.0.0")).not.toContain("0.0.0.0");
});
