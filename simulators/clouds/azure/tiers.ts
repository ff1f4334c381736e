/**
 * What a hub of a tier may do. Source: Microsoft, "IoT Hub quotas and throttling" and "Choose the right IoT Hub tier".
 * Rates are per second and hub (not per device), for the number of units bought.
 */
export const TIERS = ["F1", "S1", "S2", "S3"] as const;
export type Tier = (typeof TIERS)[number];

export interface Rates {
  readonly connect: number;
  readonly telemetry: number;
  readonly "cloud-to-device": number;
  readonly "twin-get": number;
  /** Desired and reported, of all devices together. */
  readonly "twin-report": number;
  /** Bytes a second, counted in steps of 4 KB. */
  readonly method: number;
}

export interface Allowance {
  readonly rates: Rates;
  /** Metered messages a day (UTC). */
  readonly messagesPerDay: number;
  /** One metered message holds so many bytes. */
  readonly meterBytes: number;
}

const KIB = 1024;
const METER_BYTES = 4 * KIB;

export function allowanceOf(tier: Tier, units: number): Allowance {
  switch (tier) {
    case "F1":
      return { rates: standardRates(1), messagesPerDay: 8_000, meterBytes: KIB / 2 };
    case "S1":
      return { rates: standardRates(units), messagesPerDay: 400_000 * units, meterBytes: METER_BYTES };
    case "S2":
      return {
        rates: {
          connect: 120 * units,
          telemetry: 120 * units,
          "cloud-to-device": 1.67 * units,
          "twin-get": Math.max(100, 10 * units),
          "twin-report": Math.max(50, 5 * units),
          method: 480 * KIB * units,
        },
        messagesPerDay: 6_000_000 * units,
        meterBytes: METER_BYTES,
      };
    case "S3":
      return {
        rates: {
          connect: 6_000 * units,
          telemetry: 6_000 * units,
          "cloud-to-device": 83.33 * units,
          "twin-get": 500 * units,
          "twin-report": 250 * units,
          method: 24 * KIB * KIB * units,
        },
        messagesPerDay: 300_000_000 * units,
        meterBytes: METER_BYTES,
      };
  }
}

const standardRates = (units: number): Rates => ({
  connect: Math.max(100, 12 * units),
  telemetry: Math.max(100, 12 * units),
  "cloud-to-device": 1.67 * units,
  "twin-get": 100,
  "twin-report": 50,
  method: 160 * KIB * units,
});
