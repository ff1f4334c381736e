/** What a service may send, with the bounds of each. Azure's names where Azure has the request. */
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { z } from "zod";
import type { DeviceAuth } from "../devices.ts";
import type { EnrolmentAuth } from "../enrolments.ts";
import { ServiceError } from "../errors.ts";
import { OPERATIONS } from "../faults.ts";

const json = z.json();
const object: z.ZodType<JsonObject> = z.record(z.string(), json);
const base64 = z.base64().min(1).max(1_000);
const symmetricKey = z.object({ primaryKey: base64, secondaryKey: base64 });
const thumbprint = z.string().regex(/^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/, "40 or 64 hex digits");
const x509Thumbprint = z.object({ primaryThumbprint: thumbprint, secondaryThumbprint: thumbprint.nullish() });

const device = z.object({
  status: z.enum(["enabled", "disabled"]).optional(),
  authentication: z
    .discriminatedUnion("type", [
      z.object({ type: z.literal("sas"), symmetricKey: symmetricKey.optional() }),
      z.object({ type: z.literal("selfSigned"), x509Thumbprint }),
      z.object({ type: z.literal("certificateAuthority") }),
    ])
    .optional(),
});
const twin = z.object({
  tags: object.optional(),
  properties: z.object({ desired: object.optional() }).optional(),
});
const method = z.object({
  methodName: z.string(),
  payload: json.optional(),
  responseTimeoutInSeconds: z.number().int().optional(),
  connectTimeoutInSeconds: z.number().int().optional(),
});
const message = z.object({
  text: z.string().optional(),
  base64: z.base64().optional(),
  messageId: z.string().min(1).max(128).optional(),
  properties: z.record(z.string(), z.string().nullable()).optional(),
  expiresInSeconds: z.number().positive().max(172_800).optional(),
});

const count = z.number().int().min(1).max(1_000_000);
const placed = {
  on: z.enum(OPERATIONS),
  device: z.string().optional(),
  times: count.optional(),
  skip: z.number().int().min(0).max(1_000_000).optional(),
  chance: z.number().min(0).max(1).optional(),
};
const fault = z.discriminatedUnion("do", [
  z.object({ ...placed, do: z.enum(["lose", "lose-answer", "twice", "silent"]) }),
  z.object({ ...placed, do: z.literal("delay"), ms: z.number().min(0).max(3_600_000) }),
  z.object({
    ...placed,
    do: z.literal("refuse"),
    status: z.number().int().min(0).max(599),
    body: z.enum(["json", "empty"]).optional(),
  }),
  z.object({ ...placed, do: z.literal("cut"), when: z.enum(["before", "after", "middle"]) }),
]);
const rate = z.number().min(0).max(1e9).optional();
const knobs = z.object({
  away: z.boolean().optional(),
  skewMs: z.number().optional(),
  useUp: count.optional(),
  rates: z
    .object({
      connect: rate,
      telemetry: rate,
      "cloud-to-device": rate,
      "twin-get": rate,
      "twin-report": rate,
      method: rate,
    })
    .optional(),
});
const recreate = z.object({ desired: object.optional(), version: count.optional() });
const pem = z.string().startsWith("-----BEGIN CERTIFICATE-----").max(20_000);
const enrolment = z.object({
  deviceId: z.string().optional(),
  hub: z.string().optional(),
  desired: object.optional(),
  provisioningStatus: z.enum(["enabled", "disabled"]).optional(),
  attestation: z.discriminatedUnion("type", [
    z.object({ type: z.literal("symmetricKey"), symmetricKey }),
    z.object({ type: z.literal("selfSigned"), x509Thumbprint }),
    z.object({ type: z.literal("certificateAuthority"), authorities: z.array(pem).min(1).max(20) }),
  ]),
});

export const REQUESTS = {
  device,
  twin,
  method,
  message,
  fault,
  knobs,
  recreate,
  enrolment,
  query: z.object({ query: z.string() }),
  disconnect: z.object({ how: z.enum(["fin", "reset", "silent"]).optional() }),
};

/** Throws ServiceError 400 with every problem and its place. */
export function bodyOf<T>(schema: z.ZodType<T>, text: string): T {
  let said: unknown;
  try {
    said = text === "" ? {} : JSON.parse(text);
  } catch (error) {
    throw new ServiceError(400, 400004, `the body is no JSON: ${String(error)}`);
  }
  const parsed = schema.safeParse(said);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message: what }) => `${path.join(".") || "the body"}: ${what}`);
  throw new ServiceError(400, 400004, problems.join("; "));
}

export function deviceAuthOf(said: z.infer<typeof device>["authentication"]): DeviceAuth | undefined {
  switch (said?.type) {
    case "sas":
      return said.symmetricKey && { type: "sas", ...said.symmetricKey };
    case "selfSigned":
      return { type: "self-signed", ...thumbprintsOf(said.x509Thumbprint) };
    case "certificateAuthority":
      return { type: "certificate-authority" };
    default:
      return undefined;
  }
}

export function enrolmentAuthOf(said: z.infer<typeof enrolment>["attestation"]): EnrolmentAuth {
  switch (said.type) {
    case "symmetricKey":
      return { type: "sas", ...said.symmetricKey };
    case "selfSigned":
      return { type: "self-signed", ...thumbprintsOf(said.x509Thumbprint) };
    case "certificateAuthority":
      return { type: "certificate-authority", authorities: said.authorities };
  }
}

const thumbprintsOf = ({ primaryThumbprint, secondaryThumbprint }: z.infer<typeof x509Thumbprint>) => ({
  primaryThumbprint,
  ...(typeof secondaryThumbprint === "string" && { secondaryThumbprint }),
});
