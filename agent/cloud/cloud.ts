/**
 * What the agent needs of a cloud, whichever it is. Three dialects implement it (plain MQTT, Azure IoT Hub, AWS IoT
 * Core) and pass one conformance suite: `cloud.conformance.ts`.
 */
import type { Lane } from "../wire/topics.ts";
import type { DesiredDocument, Json, JsonObject, TwinDocuments } from "../wire/twin-document.ts";
import type { LinkUse } from "../world.ts";

export interface Message {
  readonly lane: Lane;
  /** Routable facts; they can't be read from CBOR. Short lower-case keys. */
  readonly properties: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

export interface CommandCall {
  readonly id: string;
  /** A device of the description; undefined: the station itself. */
  readonly device?: string;
  readonly command: string;
  /** What the command is given, as far as it takes anything. */
  readonly arguments?: JsonObject;
  /** Who asked, where the cloud says so: for the audit. */
  readonly by?: string;
  /** ms since 1970 after which it must not run any more. */
  readonly expiresMs?: number;
}
export interface CommandAnswer {
  /** As in HTTP. */
  readonly status: number;
  readonly text: string;
  /** What was asked for, where more was asked for than that something be done. */
  readonly body?: Json;
}

/** The version that a desired patch was made from; default: the one before. "unknown": the whole has to be fetched. */
export type PatchBasis = number | "unknown";

/** One connection's life. A new one is made for every connect; it never reconnects by itself. */
export interface CloudConnection {
  /** Resolves when the cloud has accepted the message (which is not storage: that is the bridge's receipt). */
  publish(message: Message): Promise<void>;
  /** The largest payload that such a message may have here, in bytes; left out: any that `publish` takes. May be below 0. */
  payloadBytesMax?(message: Omit<Message, "payload">): number;
  /**
   * `known`: the desired document that the station has. A cloud that counts one version for both sides answers with the
   * known `$version` while the document is the same, so that a station's own reports don't look like news from above.
   */
  getTwin(known?: DesiredDocument): Promise<TwinDocuments>;
  /** Merge patch (RFC 7396); resolves with the new reported version. */
  report(patch: JsonObject): Promise<{ readonly version: number }>;
  /** Desired patches with `$version`, in the order in which they arrive. */
  onDesired(listener: (patch: DesiredDocument, basis?: PatchBasis) => void): void;
  /** What the reported document may measure here at present, in bytes of JSON; left out: what the portable one may. */
  reportBytesMax?(): number;
  onCommand(listener: (call: CommandCall) => Promise<CommandAnswer>): void;
  /** Ledger messages from the bridge (receipts, wanted ranges), CBOR. */
  onLedger(listener: (payload: Uint8Array) => void): void;
  /**
   * Asks for the next certificate by the one that this connection was made with; resolves with the answer as it came.
   * Left out where a connection can't be used so. Throws CloudError: "reprovision" when the cloud doesn't allow it here.
   */
  requestCertificate?(csr: string): Promise<Uint8Array>;
  /** `afterMs`: the cloud wants to be left alone for so long, and said so. */
  onClosed(listener: (reason: string, afterMs?: number) => void): void;
  /** What the link has cost, and since when it is silent; left out by who can't tell. */
  use?(): LinkUse & { readonly quietMs: number };
  close(): Promise<void>;
}

export interface Cloud {
  /** Throws CloudError. */
  connect(signal: AbortSignal): Promise<CloudConnection>;
}

export type NextStep = "retry" | "retry-after" | "reconnect" | "reprovision" | "split" | "drop-and-report" | "stop";

/** Says what to do next; switch on `next`, never on the text. */
export class CloudError extends Error {
  override readonly name = "CloudError";
  readonly next: NextStep;
  readonly afterMs?: number;
  constructor(next: NextStep, message: string, options?: { cause?: unknown; afterMs?: number }) {
    super(message, options);
    this.next = next;
    if (options?.afterMs !== undefined) this.afterMs = options.afterMs;
  }
}
