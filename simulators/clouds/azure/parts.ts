/** What a connection needs of its hub. */
import type { Clock, Timers } from "@pump-station/agent/world.ts";
import type { Packet } from "mqtt-packet";
import type { AdmissionDeps } from "./authentication.ts";
import type { Device, Devices } from "./devices.ts";
import type { EventLog } from "./events.ts";
import type { Faults, Operation } from "./faults.ts";
import type { Gate } from "./gate.ts";
import type { Methods } from "./methods.ts";

export interface HubParts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The hub's own wall clock: its skew is a knob. */
  readonly nowMs: () => number;
  readonly admission: AdmissionDeps;
  readonly devices: Devices;
  readonly faults: Faults;
  readonly events: EventLog;
  readonly methods: Methods;
  readonly gate: Gate;
  readonly connections: Map<string, OpenConnection>;
}

/** A connected device, as the hub uses it. */
export interface OpenConnection {
  readonly device: Device;
  readonly sinceMs: number;
  /** Sends if the device has subscribed; returns whether it did. */
  deliver(on: Extract<Operation, "desired" | "method">, topic: string, payload: Uint8Array): boolean;
  /** Sends what waits in the mailbox, as far as the device listens. */
  deliverMail(): void;
  /** "fin": in good order; "reset": broken; "silent": half-open, neither end is told. */
  end(reason: string, how: "fin" | "reset"): void;
  goSilent(): void;
}

/** What goes back, in order; nothing, where nobody has subscribed to answers. */
export type Answer = readonly Packet[];
