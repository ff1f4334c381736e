/** A local AWS IoT Core on a TLS port of this machine, for SDKs; real time. */
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createClock } from "@pump-station/agent/linux/clock.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import { createMemoryFiles } from "@pump-station/agent/testing/memory-files.ts";
import { loadServerCertificate } from "@pump-station/cloud-bridge/host/certificates.ts";
import { issueClientCertificate, issueForRequest } from "../../../host/thing-certificates.ts";
import { serveTls } from "../../../host/tls-endpoint.ts";
import { createAwsCloud } from "../aws-cloud.ts";
import { createProvisioning } from "../provisioning.ts";
import { createThings, withCertificates } from "../things.ts";

const clock = createClock({ trustClock: "always" });
const timers = createTimers();
const chance = createChance();
const deps = { files: createMemoryFiles(), nowMs: clock.wallMs() };
/** One for all of a test file, made once. */
const certificate = loadServerCertificate(deps, "/aws", ["localhost", "127.0.0.1"]);

/** `lifeMs`: of the certificates that fleet provisioning gives. */
export async function startTlsCloud(thing: string, lifeMs?: number) {
  const { ca, cert, key } = await certificate;
  const things = createThings(clock, [ca]);
  const provisioning = createProvisioning({
    ...{ things, timers, chance },
    issue: (csr) => issueForRequest(deps, "/aws", csr, lifeMs),
  });
  const aws = createAwsCloud({ clock, timers, chance, provisioning });
  things.register(thing);
  const serve = (port: number) => serveTls(withCertificates(aws, things), { cert, key, port });
  let endpoint = await serve(0);
  const { port } = endpoint;
  const issue = (name: string) => issueClientCertificate(deps, "/aws", name);
  return {
    aws,
    things,
    provisioning,
    ca,
    port,
    issue,
    client: await issue(thing),
    close: () => endpoint.close(),
    /** Every link breaks, also a frozen one; the same port is open again at once. */
    reopen: async () => {
      await endpoint.close();
      endpoint = await serve(port);
    },
    clock,
    timers,
    chance,
  };
}
