/** A hub, and a provisioning service, on TLS ports of this machine, for SDKs; real time. */
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createClock } from "@pump-station/agent/linux/clock.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import { createMemoryFiles } from "@pump-station/agent/testing/memory-files.ts";
import { loadServerCertificate } from "@pump-station/cloud-bridge/host/certificates.ts";
import { serveTls } from "../../../host/tls-endpoint.ts";
import { createDps, type Dps, type DpsConfig } from "../dps.ts";
import { type AzureHub, type AzureHubConfig, createAzureHub } from "../hub.ts";

export interface TlsHub {
  readonly hub: AzureHub;
  readonly port: number;
  /** PEM of who signed the hub's certificate. */
  readonly ca: string;
  /** The faithful form (host names as in Azure, the way there beside it), or the plain one, which X.509 needs. */
  connectionString(device: string, form?: "gateway" | "plain"): string;
  close(): Promise<void>;
}

export interface TlsDps {
  readonly dps: Dps;
  readonly port: number;
  readonly ca: string;
  close(): Promise<void>;
}

export const HUB_NAME = "test-hub.azure-devices.net";

const clock = createClock({ trustClock: "always" });
const deps = { clock, timers: createTimers(), chance: createChance() };
/** One for all of a test file, made once: two hubs that start together must not make two authorities. */
const certificate = loadServerCertificate({ files: createMemoryFiles(), nowMs: clock.wallMs() }, "/hub", [
  "localhost",
  "127.0.0.1",
]);

export async function startTlsHub(config: Partial<AzureHubConfig> = {}): Promise<TlsHub> {
  const { ca, cert, key } = await certificate;
  // The port is part of a plain name, and is known only once it is open.
  const hub = createAzureHub(deps, { hostNames: [HUB_NAME], ...config });
  const endpoint = await serveTls(hub, { cert, key, port: 0 });
  hub.answerTo(`localhost:${endpoint.port}`);
  return {
    hub,
    port: endpoint.port,
    ca,
    connectionString: (device, form = "gateway") => {
      const { auth } = hub.devices.get(device);
      const proof = auth.type === "sas" ? `SharedAccessKey=${auth.primaryKey}` : "x509=true";
      const here = `localhost:${endpoint.port}`;
      return form === "gateway"
        ? `HostName=${HUB_NAME};DeviceId=${device};${proof};GatewayHostName=${here}`
        : `HostName=${here};DeviceId=${device};${proof}`;
    },
    close: endpoint.close,
  };
}

/** Its hubs are those, under their plain names. */
export async function startTlsDps(hubs: readonly TlsHub[], config: Partial<DpsConfig> = {}): Promise<TlsDps> {
  const { ca, cert, key } = await certificate;
  const linked = hubs.map(({ hub, port }) => ({ hub, address: `localhost:${port}` }));
  const dps = createDps(deps, { idScope: "0ne00000001", hubs: linked, retryAfterS: 0, ...config });
  const { port, close } = await serveTls(dps, { cert, key, port: 0 });
  return { dps, port, ca, close };
}
