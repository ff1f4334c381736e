/** The cloud's side of the twin proof, whichever cloud it is: what a cloud team does, and what goes wrong on the way. */
import type { Credentials } from "@pump-station/agent/cloud/credentials.ts";
import type { SimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import type { JsonObject, TwinDocuments } from "@pump-station/agent/wire/twin-document.ts";
import type { HubClients, MqttClients } from "@pump-station/agent/world.ts";
import type { Draws } from "../chance.ts";

/** Shares of 0 to 1; each drawn for each message. */
export interface CloudFaults {
  /** Desired patches that nobody delivers. */
  loseDesired: number;
  doubleDesired: number;
  /** Requests for the twin and reports that the cloud has no time for. */
  throttle: number;
  /** Reports that were stored, of which the station isn't told. */
  loseReportAnswers: number;
  /** Reports that the cloud says it can't take. */
  refuseReports: number;
}

export const NO_FAULTS: Readonly<CloudFaults> = {
  loseDesired: 0,
  doubleDesired: 0,
  throttle: 0,
  loseReportAnswers: 0,
  refuseReports: 0,
};

/** Faults that tell when they are set. */
export function faultSwitches(onSet: (name: keyof CloudFaults, share: number) => void): CloudFaults {
  const shares: CloudFaults = { ...NO_FAULTS };
  const names = Object.keys(shares) as (keyof CloudFaults)[];
  const accessors = names.map((name) => [
    name,
    {
      enumerable: true,
      get: () => shares[name],
      set: (share: number) => {
        shares[name] = share;
        onSet(name, share);
      },
    },
  ]);
  return Object.defineProperties({ ...NO_FAULTS }, Object.fromEntries(accessors) as PropertyDescriptorMap);
}

const UPLOADS_KEPT = 1_024;

/** When messages with readings came, the newest ones. */
export function createUploads(): { readonly atMs: readonly number[]; add(atMs: number): void } {
  const atMs: number[] = [];
  return {
    atMs,
    add: (at) => {
      atMs.push(at);
      if (atMs.length > UPLOADS_KEPT) atMs.shift();
    },
  };
}

export interface ProvenCloud {
  /** Of agent.yaml: `cloud:`, and the names of the credentials that belong to it. */
  readonly configLines: string;
  readonly credentials?: () => Credentials;
  /** The agent's way in. */
  readonly mqtt: MqttClients;
  readonly hubs?: HubClients;
  readonly faults: CloudFaults;
  /** No network: the link breaks, and none can be made. */
  reach(isReachable: boolean): void;
  /** Merge patch; resolves with its version. Rejects when the cloud doesn't take it. */
  patchDesired(patch: JsonObject): Promise<number>;
  documents(): Promise<TwinDocuments>;
  /** The twin is made anew with this desired document, at a lower version; the station's report is gone. */
  recreate(desired: JsonObject): Promise<void>;
  /** The link breaks; the station is told at once. */
  cut(): void;
  /** The cloud's process begins anew: the links break, what was under way is lost. */
  restart(): void;
  /** The whole reported document after each report that was stored. */
  onReport(listener: (reported: JsonObject) => void): void;
  /** Each message with readings, when it was taken over (ms of the proof's clock). */
  readonly uploads: readonly number[];
  close(): void;
}

export interface CloudDeps {
  readonly time: SimulatedTime;
  readonly draws: Draws;
  readonly station: string;
}
