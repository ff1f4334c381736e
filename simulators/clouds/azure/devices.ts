/** Who may connect, and what the hub keeps of each. */
import type { Chance } from "@pump-station/agent/world.ts";
import { ServiceError } from "./errors.ts";
import { DEVICE_ID, DEVICES_MAX } from "./limits.ts";
import { createMailbox, type Mailbox } from "./mailbox.ts";
import type { Feed } from "./topics.ts";
import { createTwin, type Twin } from "./twin.ts";

export type DeviceAuth =
  /** Base64 keys; either signs tokens. */
  | { readonly type: "sas"; readonly primaryKey: string; readonly secondaryKey: string }
  /** SHA-1 or SHA-256 of the certificate, in hex; either is accepted. */
  | { readonly type: "self-signed"; readonly primaryThumbprint: string; readonly secondaryThumbprint?: string }
  /** Signed by one of the hub's certificate authorities; the common name is the device id. */
  | { readonly type: "certificate-authority" };

export interface Device {
  readonly id: string;
  /** Changes when a device of the same name is made anew. */
  readonly generationId: string;
  auth: DeviceAuth;
  isEnabled: boolean;
  readonly twin: Twin;
  readonly mailbox: Mailbox;
  /** The persistent session: what is subscribed, and with which QoS. */
  readonly subscriptions: Map<Feed, 0 | 1>;
  hasSession: boolean;
  modelId?: string;
  lastActivityMs?: number;
}

export interface Devices {
  /** Makes keys unless told. Throws ServiceError 400, 409. */
  add(id: string, auth?: DeviceAuth): Device;
  /** Throws ServiceError 404. */
  get(id: string): Device;
  find(id: string): Device | undefined;
  remove(id: string): void;
  list(): readonly Device[];
}

interface DeviceDeps {
  readonly nowMs: () => number;
  readonly chance: Chance;
  readonly onOutcome: (device: string, messageId: string, outcome: "completed" | "expired" | "dead-lettered") => void;
}

export function createDevices({ nowMs, chance, onOutcome }: DeviceDeps): Devices {
  const devices = new Map<string, Device>();
  let generations = 0;
  const newKey = (): string => Buffer.from(chance.bytes(32)).toString("base64");
  const get = (id: string): Device => {
    const device = devices.get(id);
    if (!device) throw new ServiceError(404, 404001, `there is no device ${id}`);
    return device;
  };
  return {
    add: (id, auth = { type: "sas", primaryKey: newKey(), secondaryKey: newKey() }) => {
      if (!DEVICE_ID.test(id)) throw new ServiceError(400, 400005, `${id} is no device id`);
      if (devices.has(id)) throw new ServiceError(409, 409001, `there is a device ${id} already`);
      if (devices.size >= DEVICES_MAX) throw new ServiceError(403, 403003, `there are ${DEVICES_MAX} devices already`);
      generations += 1;
      const device: Device = {
        id,
        generationId: `${Math.floor(nowMs())}${generations}`,
        auth,
        isEnabled: true,
        twin: createTwin(nowMs),
        mailbox: createMailbox(nowMs, (messageId, outcome) => onOutcome(id, messageId, outcome)),
        subscriptions: new Map(),
        hasSession: false,
      };
      devices.set(id, device);
      return device;
    },
    get,
    find: (id) => devices.get(id),
    remove: (id) => {
      get(id);
      devices.delete(id);
    },
    list: () => [...devices.values()],
  };
}
