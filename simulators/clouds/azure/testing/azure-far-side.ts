/** The local hub as the conformance suite sees a cloud: in the portable words of the agent. */
import {
  type Components,
  desiredFromHub,
  hubFrom,
  reportedFromHub,
} from "@pump-station/agent/cloud/azure-iot-hub/plug-and-play.ts";
import type { CommandAnswer, Message } from "@pump-station/agent/cloud/cloud.ts";
import type { FarSide } from "@pump-station/agent/testing/far-side.ts";
import type { MemoryTwin } from "@pump-station/agent/testing/memory-twin.ts";
import type { Lane } from "@pump-station/agent/wire/topics.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { HubEvent } from "../events.ts";
import type { Operation } from "../faults.ts";
import type { AzureHub } from "../hub.ts";

const OFTEN = 1_000;

export function createAzureFarSide(hub: AzureHub, device: string, components: Components): FarSide {
  const messages: Message[] = [];
  const reports: JsonObject[] = [];
  let online: boolean | undefined;
  hub.events.onEvent((event) => {
    if (event.device !== device) return;
    if (event.kind === "telemetry") messages.push(messageOf(event));
    if (event.kind === "connected") online = true;
    if (event.kind === "disconnected") online = hub.connection(device) !== undefined;
    if (event.kind === "reported" && event.patch && event.status < 300)
      reports.push(reportedFromHub(event.patch, components));
  });
  const twin: MemoryTwin = {
    documents: () => {
      const { desired, reported } = hub.twin(device);
      return {
        desired: { ...desiredFromHub(desired.properties, components), $version: desired.version },
        reported: { ...reportedFromHub(reported.properties, components), $version: reported.version },
      };
    },
    setDesired: (patch) => ({ ...patch, $version: hub.setDesired(device, hubFrom(patch, components)) }),
    report: () => {
      throw new Error("a hub's reported document is the device's to write");
    },
    recreate: (desired) => hub.recreateTwin(device, { desired: hubFrom(desired, components) }),
  };
  const silence = createSwitch(hub, ["twin-get", "twin-report"], { do: "lose" });
  const refusal = createSwitch(hub, ["twin-report"], { do: "refuse", status: 400, body: "json" });
  return {
    messages,
    reports,
    twin,
    get online() {
      return online === undefined ? undefined : online && hub.connection(device) !== undefined;
    },
    setDesired: (patch) => void twin.setDesired(patch),
    setDesiredUnheard: (patch) => {
      if (hub.connection(device)) hub.faults.add({ on: "desired", do: "lose" });
      twin.setDesired(patch);
    },
    call: async ({ id, device: of, command, arguments: given, expiresMs }) => {
      const name = of === undefined ? command : `${of}*${command}`;
      const payload = { ...given, id, ...(expiresMs !== undefined && { expiresMs }) };
      const answer = await hub.invokeMethod(device, { name, payload });
      return { status: answer.status, ...(answer.payload as object) } as CommandAnswer;
    },
    sendLedger: (payload) => void hub.sendToDevice(device, { payload, properties: { kind: "ledger" } }),
    get silent() {
      return silence.isOn();
    },
    set silent(on) {
      silence.set(on);
    },
    get refuseReports() {
      return refusal.isOn() ? "refused" : undefined;
    },
    set refuseReports(text) {
      refusal.set(text !== undefined);
    },
  };
}

function createSwitch(
  hub: AzureHub,
  on: readonly Operation[],
  what: { readonly do: "lose" } | { readonly do: "refuse"; readonly status: number; readonly body: "json" },
) {
  let placed: number[] = [];
  return {
    isOn: () => placed.length > 0,
    set: (wanted: boolean): void => {
      for (const id of placed) hub.faults.remove(id);
      placed = wanted ? on.map((operation) => hub.faults.add({ ...what, on: operation, times: OFTEN })) : [];
    },
  };
}

function messageOf({ properties, payload }: Extract<HubEvent, { kind: "telemetry" }>): Message {
  const { lane, ...others } = properties;
  return { lane: lane as Lane, properties: others as Record<string, string>, payload };
}
