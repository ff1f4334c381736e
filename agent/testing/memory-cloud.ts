/** A cloud in memory without any protocol between: for tests of the uplink and the twin. */
import { type Cloud, type CloudConnection, CloudError, type CommandAnswer, type CommandCall } from "../cloud/cloud.ts";
import { PUBLISH_DEADLINE_MS } from "../limits.ts";
import type { DesiredDocument } from "../wire/twin-document.ts";
import type { Timers } from "../world.ts";
import type { FarSide } from "./far-side.ts";
import { createMemoryTwin } from "./memory-twin.ts";

export interface MemoryCloud {
  readonly cloud: Cloud;
  readonly far: FarSide;
  readonly faults: CloudFaults;
  /** Connections made so far. */
  readonly connects: number;
  readonly connected: boolean;
  /** `afterMs`: it wants to be left alone for so long, and says so. */
  cut(reason?: string, afterMs?: number): void;
}

export interface CloudFaults {
  /** connect() rejects with it. */
  connectError?: CloudError | undefined;
  /** Called for each publish; an error rejects it before the cloud has the message. */
  publishError?: (() => CloudError | undefined) | undefined;
  /** How long a publish takes. */
  publishMs: number;
  /** The largest payload that is taken, and said to be. */
  payloadBytesMax?: number | undefined;
  /** The cloud takes the message, the acknowledgement never comes. */
  loseAcknowledgements: boolean;
  /** The report is stored, its answer never comes. */
  loseReportAnswers: boolean;
}

interface Link {
  desired?: (patch: DesiredDocument) => void;
  command?: (call: CommandCall) => Promise<CommandAnswer>;
  ledger?: (payload: Uint8Array) => void;
  readonly closed: Set<(reason: string, afterMs?: number) => void>;
  readonly inFlight: Set<(error: CloudError) => void>;
  closedBecause?: string;
}

const REPLY_DEADLINE_MS = 60_000;

export function createMemoryCloud(deps: { readonly timers: Timers }): MemoryCloud {
  const { timers } = deps;
  const faults: CloudFaults = { publishMs: 0, loseAcknowledgements: false, loseReportAnswers: false };
  let link: Link | undefined;
  let online: boolean | undefined;
  let connects = 0;

  const close = (closing: Link, reason: string, afterMs?: number): void => {
    if (closing.closedBecause !== undefined) return;
    closing.closedBecause = reason;
    if (link === closing) {
      link = undefined;
      online = false;
    }
    for (const fail of [...closing.inFlight]) fail(new CloudError("reconnect", `connection closed: ${reason}`));
    for (const listener of closing.closed) listener(reason, afterMs);
  };

  const far = createFarSide(
    () => link,
    () => online,
  );

  const connect = async (signal: AbortSignal): Promise<CloudConnection> => {
    await Promise.resolve();
    signal.throwIfAborted();
    if (faults.connectError) throw faults.connectError;
    if (link) close(link, "another connection took over");
    const mine: Link = { closed: new Set(), inFlight: new Set() };
    link = mine;
    online = true;
    connects++;
    return connectionOf(mine, { timers, faults, far, close: (reason) => close(mine, reason) });
  };

  return {
    cloud: { connect },
    far,
    faults,
    get connects() {
      return connects;
    },
    get connected() {
      return link !== undefined;
    },
    cut: (reason = "connection reset", afterMs) => link && close(link, reason, afterMs),
  };
}

function createFarSide(link: () => Link | undefined, online: () => boolean | undefined): FarSide {
  const twin = createMemoryTwin();
  return {
    messages: [],
    reports: [],
    twin,
    get online() {
      return online();
    },
    setDesired: (patch) => {
      const sent = structuredClone(twin.setDesired(patch));
      const to = link();
      queueMicrotask(() => to?.closedBecause === undefined && to?.desired?.(sent));
    },
    setDesiredUnheard: (patch) => void twin.setDesired(patch),
    call: async (call) => {
      await Promise.resolve();
      const listener = link()?.command;
      return listener ? listener(call) : new Promise(() => undefined);
    },
    sendLedger: (payload) => {
      const to = link();
      queueMicrotask(() => to?.ledger?.(payload));
    },
    silent: false,
  };
}

interface ConnectionDeps {
  readonly timers: Timers;
  readonly faults: CloudFaults;
  readonly far: FarSide;
  close(reason: string): void;
}

function connectionOf(link: Link, deps: ConnectionDeps): CloudConnection {
  const { far, faults, timers } = deps;

  /** Never resolves: ends by its deadline or with the link. */
  const lost = (ms: number, error: () => CloudError): Promise<never> =>
    new Promise((_, reject) => {
      const fail = (failure: CloudError) => {
        cancel();
        link.inFlight.delete(fail);
        reject(failure);
      };
      const cancel = timers.after(ms, () => fail(error()));
      link.inFlight.add(fail);
    });
  const open = (): void => {
    if (link.closedBecause !== undefined) throw new CloudError("reconnect", `connection closed: ${link.closedBecause}`);
  };
  const unanswered = (what: string) =>
    lost(REPLY_DEADLINE_MS, () => new CloudError("retry", `${what}: no answer within ${REPLY_DEADLINE_MS} ms`));

  return {
    payloadBytesMax: () => faults.payloadBytesMax ?? Number.POSITIVE_INFINITY,
    publish: async (message) => {
      if (faults.publishMs > 0) {
        await Promise.race([timers.sleep(faults.publishMs), lost(faults.publishMs + 1, () => timeout())]);
      } else await Promise.resolve();
      open();
      const error = faults.publishError?.();
      if (error) throw error;
      far.messages.push(message);
      if (faults.loseAcknowledgements) return lost(PUBLISH_DEADLINE_MS, timeout);
      await Promise.resolve();
      open();
    },
    getTwin: async () => {
      await Promise.resolve();
      open();
      return far.silent ? unanswered("twin get") : far.twin.documents();
    },
    report: async (patch) => {
      await Promise.resolve();
      open();
      if (far.silent) return unanswered("twin report");
      if (far.refuseReports !== undefined) throw new CloudError("drop-and-report", `refused: ${far.refuseReports}`);
      far.reports.push(structuredClone(patch));
      const version = far.twin.report(structuredClone(patch));
      return faults.loseReportAnswers ? unanswered("twin report") : { version };
    },
    onDesired: (listener) => void (link.desired = listener),
    onCommand: (listener) => void (link.command = listener),
    onLedger: (listener) => void (link.ledger = listener),
    onClosed: (listener) => {
      if (link.closedBecause !== undefined) listener(link.closedBecause);
      else link.closed.add(listener);
    },
    close: async () => deps.close("closed by us"),
  };
}

const timeout = (): CloudError =>
  new CloudError("reconnect", `publish: not acknowledged within ${PUBLISH_DEADLINE_MS} ms`);
