/** What the command line says, checked. */
import * as z from "zod";
import {
  CERTIFICATE_LIFE_MS_DEFAULT,
  GAP_AGE_MS,
  GAP_AGE_MS_MIN,
  RECEIPT_EVERY_MS_DEFAULT,
  RECEIPT_EVERY_MS_MIN,
  RENEWAL_GRACE_MS_DEFAULT,
} from "./limits.ts";

export interface Config {
  readonly dataFolder: string;
  readonly mqttPort: number;
  readonly httpPort: number;
  /** Address to listen on; loopback unless told otherwise. */
  readonly host: string;
  readonly receiptEveryMs: number;
  /** How long a gap stands before it is asked for. */
  readonly askAfterMs: number;
  readonly certificateLifeMs: number;
  /** How long after its end a certificate may still ask for the next one. */
  readonly renewalGraceMs: number;
  readonly pageFolder: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

const UNIT_MS = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const port = z.coerce.number().int().min(0).max(65_535);
export const duration = z.string().transform((text, context) => {
  const [, amount, unit] = /^(\d{1,9}) ?(ms|s|min|h|d)$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  context.addIssue({ code: "custom", message: `"${text}" is not a time like 5s, 15min or 24h` });
  return z.NEVER;
});

const OPTIONS = z.object({
  data: z.string().min(1),
  mqttPort: port,
  httpPort: port,
  listen: z.string().min(1),
  receiptEvery: duration.pipe(
    z
      .number()
      .min(RECEIPT_EVERY_MS_MIN)
      .max(30 * 86_400_000),
  ),
  askAfter: duration.pipe(z.number().min(GAP_AGE_MS_MIN).max(86_400_000)),
  certificateLife: duration.pipe(
    z
      .number()
      .min(10_000)
      .max(3_650 * 86_400_000),
  ),
  renewalGrace: duration.pipe(
    z
      .number()
      .min(0)
      .max(3_650 * 86_400_000),
  ),
  page: z.string().min(1),
  logLevel: z.enum(["debug", "info", "warn", "error"]),
});

export const DEFAULTS = {
  mqttPort: "8883",
  httpPort: "8080",
  listen: "127.0.0.1",
  receiptEvery: `${RECEIPT_EVERY_MS_DEFAULT / 3_600_000}h`,
  askAfter: `${GAP_AGE_MS / 60_000}min`,
  certificateLife: `${CERTIFICATE_LIFE_MS_DEFAULT / 86_400_000}d`,
  renewalGrace: `${RENEWAL_GRACE_MS_DEFAULT / 86_400_000}d`,
  logLevel: "info",
} as const;

/** Throws Error that names each option that can't be used. */
export function configFrom(options: unknown): Config {
  const result = OPTIONS.safeParse(options);
  if (!result.success) {
    const problems = result.error.issues.map(({ path, message }) => `--${kebab(path.join("."))}: ${message}`);
    throw new Error(problems.join("\n"));
  }
  const { data, mqttPort, httpPort, listen, receiptEvery, askAfter, page, logLevel } = result.data;
  const { certificateLife, renewalGrace } = result.data;
  return {
    dataFolder: data,
    mqttPort,
    httpPort,
    host: listen,
    receiptEveryMs: receiptEvery,
    askAfterMs: askAfter,
    certificateLifeMs: certificateLife,
    renewalGraceMs: renewalGrace,
    pageFolder: page,
    logLevel,
  };
}

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "::1"] as const;

/** Names that the server's certificate bears. */
export const certificateNames = (host: string): readonly string[] =>
  isAnyAddress(host) ? LOOPBACK_NAMES : [...LOOPBACK_NAMES, host];

/** Names under which a loopback server may be called; undefined beyond loopback, where others give it its names. */
export const hostNamesFor = (host: string): readonly string[] | undefined =>
  isLoopback(host) ? LOOPBACK_NAMES : undefined;

export const isLoopback = (host: string): boolean => (LOOPBACK_NAMES as readonly string[]).includes(host);

const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
