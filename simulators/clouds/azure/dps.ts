/**
 * The Device Provisioning Service: a device says who it is, and is told which hub is its own. Enrolments are single
 * devices or groups, with symmetric keys or certificates. Registering takes a moment: 202 with retry-after, then the
 * device asks for the operation's status until it is 200.
 */
import type { Chance, Clock, Timers } from "@pump-station/agent/world.ts";
import { hubAuthFor, hubFor, type LinkedHub, move } from "./dps-allocation.ts";
import { createDpsConnection, type Registrar } from "./dps-connection.ts";
import { type Enrolment, enrolmentFor, type Proof } from "./enrolments.ts";
import { ServiceError } from "./errors.ts";
import { createEventLog, type EventLog } from "./events.ts";
import { createFaults, type Faults } from "./faults.ts";
import { EVENTS_MAX } from "./limits.ts";
import type { PacketServer } from "./link.ts";

export interface DpsConfig {
  /** "0ne…" */
  readonly idScope: string;
  readonly hubs: readonly LinkedHub[];
  /** How long a device is asked to wait between polls; 3 s unless said. */
  readonly retryAfterS?: number;
  /** How long an assignment takes; 0 unless said: the first poll finds it done. */
  readonly assignMs?: number;
}

export interface Dps extends PacketServer {
  readonly idScope: string;
  readonly events: EventLog;
  /** On "connect", "register" and "register-status". */
  readonly faults: Faults;
  /** Throws ServiceError 409. */
  enrol(enrolment: Enrolment): void;
  setEnabled(name: string, isEnabled: boolean): void;
  remove(name: string): void;
  enrolments(): readonly Enrolment[];
  /** Who was assigned where. */
  assignments(): readonly Assignment[];
}

export interface Assignment {
  readonly registrationId: string;
  readonly deviceId: string;
  readonly hub: string;
  readonly atMs: number;
}

export interface DpsDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
}

interface Operation {
  readonly id: string;
  readonly registrationId: string;
  readonly doneMs: number;
  readonly createdMs: number;
}

export function createDps(deps: DpsDeps, config: DpsConfig): Dps {
  const nowMs = (): number => deps.clock.wallMs();
  const events = createEventLog(nowMs, EVENTS_MAX);
  const faults = createFaults(() => deps.chance.fraction());
  const enrolments = new Map<string, Enrolment>();
  const disabled = new Set<string>();
  const assignments = new Map<string, Assignment>();
  const operations = new Map<string, Operation>();

  /** Throws ServiceError 401 with what doesn't fit. */
  const prove = (registrationId: string, proof: Proof): Enrolment => {
    const found = enrolmentFor([...enrolments.values()], registrationId, proof, nowMs());
    if (typeof found === "string") throw new ServiceError(401, 401002, found);
    return found;
  };
  const register: Registrar["register"] = (registrationId, proof) => {
    const enrolment = prove(registrationId, proof);
    if (disabled.has(enrolment.name))
      return { status: 200, body: { status: "disabled", registrationState: { registrationId, status: "disabled" } } };
    const [part, whole] = [deps.chance.bytes(8), deps.chance.bytes(16)].map((bytes) =>
      Buffer.from(bytes).toString("hex"),
    );
    const id = `4.${part}.${whole}`;
    operations.set(registrationId, {
      id,
      registrationId,
      createdMs: nowMs(),
      doneMs: nowMs() + (config.assignMs ?? 0),
    });
    return { status: 202, retryAfterS: config.retryAfterS ?? 3, body: { operationId: id, status: "assigning" } };
  };
  const operationStatus: Registrar["operationStatus"] = (registrationId, operationId, proof) => {
    const enrolment = prove(registrationId, proof);
    const operation = operations.get(registrationId);
    if (operation?.id !== operationId) throw new ServiceError(404, 404201, `there is no operation ${operationId}`);
    if (nowMs() < operation.doneMs)
      return { status: 202, retryAfterS: config.retryAfterS ?? 3, body: { operationId, status: "assigning" } };
    const { deviceId, hub } = assign(enrolment, registrationId, proof);
    const stamp = (ms: number): string => new Date(ms).toISOString();
    return {
      status: 200,
      body: {
        operationId,
        status: "assigned",
        registrationState: {
          registrationId,
          createdDateTimeUtc: stamp(operation.createdMs),
          assignedHub: hub,
          deviceId,
          status: "assigned",
          substatus: "initialAssignment",
          lastUpdatedDateTimeUtc: stamp(nowMs()),
        },
      },
    };
  };

  const assign = (enrolment: Enrolment, registrationId: string, proof: Proof): Assignment => {
    const deviceId = enrolment.deviceId ?? registrationId;
    const chosen = hubFor(config.hubs, enrolment, registrationId);
    const before = assignments.get(registrationId);
    const old = before && config.hubs.find(({ address }) => address === before.hub);
    const auth = hubAuthFor(enrolment, registrationId, proof);
    const known = chosen.hub.devices.find(deviceId);
    if (known) known.auth = auth;
    else chosen.hub.addDevice(deviceId, auth);
    if (old && old !== chosen) move(old.hub, chosen.hub, deviceId);
    else if (!known && enrolment.desired) chosen.hub.recreateTwin(deviceId, { desired: enrolment.desired });
    const assignment = { registrationId, deviceId, hub: chosen.address, atMs: nowMs() };
    assignments.set(registrationId, assignment);
    events.add(registrationId, { kind: "assigned", hub: chosen.address });
    return assignment;
  };

  const registrar: Registrar = {
    ...deps,
    idScope: config.idScope,
    nowMs,
    events,
    faults,
    register,
    operationStatus,
  };
  return {
    idScope: config.idScope,
    events,
    faults,
    accept: (link, chain) => createDpsConnection(registrar, link, chain),
    enrol: (enrolment) => {
      if (enrolments.has(enrolment.name))
        throw new ServiceError(409, 409203, `there is an enrolment ${enrolment.name} already`);
      enrolments.set(enrolment.name, enrolment);
    },
    setEnabled: (name, isEnabled) => {
      if (!enrolments.has(name)) throw new ServiceError(404, 404201, `there is no enrolment ${name}`);
      if (isEnabled) disabled.delete(name);
      else disabled.add(name);
    },
    remove: (name) => {
      if (!enrolments.delete(name)) throw new ServiceError(404, 404201, `there is no enrolment ${name}`);
      disabled.delete(name);
    },
    enrolments: () => [...enrolments.values()],
    assignments: () => [...assignments.values()],
  };
}
