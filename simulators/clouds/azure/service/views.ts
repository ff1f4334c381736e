/** Devices, twins and events as Azure's REST interface writes them, and bytes as text for people. */
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { Device } from "../devices.ts";
import type { HubEvent } from "../events.ts";
import type { AzureHub } from "../hub.ts";

export function deviceView(hub: AzureHub, device: Device): JsonObject {
  const { auth } = device;
  return {
    deviceId: device.id,
    generationId: device.generationId,
    status: device.isEnabled ? "enabled" : "disabled",
    connectionState: hub.connection(device.id) ? "Connected" : "Disconnected",
    lastActivityTime: new Date(device.lastActivityMs ?? 0).toISOString(),
    cloudToDeviceMessageCount: device.mailbox.waiting,
    authentication: {
      type: { sas: "sas", "self-signed": "selfSigned", "certificate-authority": "certificateAuthority" }[auth.type],
      symmetricKey:
        auth.type === "sas"
          ? { primaryKey: auth.primaryKey, secondaryKey: auth.secondaryKey }
          : { primaryKey: null, secondaryKey: null },
      x509Thumbprint:
        auth.type === "self-signed"
          ? { primaryThumbprint: auth.primaryThumbprint, secondaryThumbprint: auth.secondaryThumbprint ?? null }
          : { primaryThumbprint: null, secondaryThumbprint: null },
    },
  };
}

export function twinView(hub: AzureHub, device: Device): JsonObject {
  const { etag, version, tags, desired, reported } = device.twin.view();
  const section = ({ properties, metadata, version: $version }: typeof desired): JsonObject => ({
    ...properties,
    $metadata: metadata,
    $version,
  });
  return {
    deviceId: device.id,
    etag,
    version,
    status: device.isEnabled ? "enabled" : "disabled",
    connectionState: hub.connection(device.id) ? "Connected" : "Disconnected",
    modelId: device.modelId ?? "",
    tags,
    properties: { desired: section(desired), reported: section(reported) },
  };
}

/** Payloads as base64, and as text where they are text. */
export function eventView(event: HubEvent): object {
  if (event.kind !== "telemetry") return event;
  const { payload, ...rest } = event;
  const text = textOf(payload);
  return { ...rest, base64: Buffer.from(payload).toString("base64"), ...(text !== undefined && { text }) };
}

function textOf(payload: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
    // Binary bodies are sometimes valid UTF-8 by chance; they have control characters then.
    return [...text].some((sign) => sign < " " && !"\n\r\t".includes(sign)) ? undefined : text;
  } catch {
    return undefined;
  }
}
