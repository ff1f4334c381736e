/** What goes over the network, message by message: to a broker, to a hub, from a server of files. Sockets are below. */
import type { LinkUse } from "./network.ts";
import type { Secret } from "./secret.ts";

export interface MqttOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: Secret;
  /** PEM */
  readonly ca?: string;
  readonly key?: Secret;
  readonly cert?: string;
  /** Application protocol asked for in the TLS handshake (RFC 7301), where a port serves several. */
  readonly alpn?: string;
  /** Default: 3.1.1. A broker that doesn't speak 5 is spoken to in 3.1.1. */
  readonly version?: 5;
  readonly keepAliveS: number;
  readonly connectTimeoutMs: number;
  /** Given while nothing vouches for the wall clock: a time that has certainly passed, for certificates; ms since 1970. */
  readonly notBeforeMs?: number;
  readonly will?: { readonly topic: string; readonly payload: Uint8Array; readonly retain: boolean };
}

/** One MQTT connection; never reconnects by itself. Messages, not sockets, are the seam. */
export interface MqttConnection {
  /** QoS 1; resolves at PUBACK, rejects with CloudError when the link goes or `deadlineMs` passes. */
  publish(
    topic: string,
    payload: Uint8Array,
    options: {
      readonly retain?: boolean;
      readonly deadlineMs: number;
      /** User properties where MQTT 5 is spoken; elsewhere they are left out. */
      readonly properties?: Readonly<Record<string, string>>;
      /** Larger than the broker says it takes: the broker is set too small, and this waits until it isn't ("retry-after"). */
      readonly mayWait?: boolean;
    },
  ): Promise<void>;
  /** QoS 1; rejects when the broker refuses. */
  subscribe(topics: readonly string[]): Promise<void>;
  onMessage(listener: (topic: string, payload: Uint8Array) => void): void;
  /** `afterMs`: the broker wants to be left alone for so long, and said so (MQTT 5). */
  onClosed(listener: (reason: string, afterMs?: number) => void): void;
  /** PINGREQ; resolves at PINGRESP, rejects with CloudError "reconnect" when the link goes or `deadlineMs` passes. */
  ping(deadlineMs: number): Promise<void>;
  /** The largest payload that the broker takes on this topic, where it has said so (MQTT 5); may be below 0. */
  payloadBytesMax?(topic: string): number;
  use(): LinkUse;
  close(): Promise<void>;
}

export interface MqttClients {
  /** Resolves at CONNACK. Rejects with an Error whose `code` is "refused" when credentials were refused. */
  connect(options: MqttOptions, signal: AbortSignal): Promise<MqttConnection>;
}

export interface HubOptions {
  /** mqtts://host:port, where the hub is reached. */
  readonly url: string;
  /** The hub's own name, which stands in its user names and tokens. */
  readonly hub: string;
  readonly device: string;
  /** dtmi:… of the station (IoT Plug and Play). */
  readonly modelId?: string;
  /** A shared access signature; without one, certificate and key say who this is. */
  readonly token?: Secret;
  /** PEM */
  readonly ca?: string;
  readonly key?: Secret;
  readonly cert?: string;
  readonly keepAliveS: number;
  readonly connectTimeoutMs: number;
  /** As in MqttOptions. */
  readonly notBeforeMs?: number;
}

export interface HubMessage {
  readonly properties: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
  /** Said in the system properties. */
  readonly isJson?: boolean;
}

/** To a twin request. A hub that refuses may leave the body out: the status decides. */
export interface HubAnswer {
  /** As in HTTP. */
  readonly status: number;
  /** Of the reported document that was written. */
  readonly version?: number;
  /** JSON, unchecked. */
  readonly body: unknown;
}

export interface HubMethodCall {
  /** The hub's, unique among the calls under way. */
  readonly request: string;
  readonly method: string;
  /** JSON, or nothing at all. */
  readonly payload: Uint8Array;
}

/**
 * One connection to an Azure IoT Hub; never reconnects by itself, and nothing that arrives can end the process. What is
 * under way when it closes is rejected with CloudError; time limits are the caller's: it closes what doesn't answer.
 */
export interface HubConnection {
  /** Resolves at PUBACK: the hub has it. */
  send(message: HubMessage): Promise<void>;
  getTwin(): Promise<HubAnswer>;
  report(patch: object): Promise<HubAnswer>;
  /** JSON, unchecked. Listeners are added in the turn in which `connect` resolves. */
  onDesired(listener: (patch: unknown) => void): void;
  onMethod(listener: (call: HubMethodCall) => void): void;
  answer(request: string, status: number, payload: unknown): Promise<void>;
  /** Cloud-to-device; acknowledged before it is seen, so: at most once. */
  onMessage(listener: (message: HubMessage) => void): void;
  onClosed(listener: (reason: string) => void): void;
  ping(): Promise<void>;
  use(): LinkUse;
  close(): Promise<void>;
}

export interface HubClients {
  /** Resolves when connected and subscribed. Rejects with an Error whose `code` is "refused" when credentials were. */
  connect(options: HubOptions, signal: AbortSignal): Promise<HubConnection>;
}

export interface DownloadRequest {
  readonly url: string;
  /** So many bytes are here already: the rest is asked for. */
  readonly from: number;
  /** Names the copy that they are of; of another one everything is sent. */
  readonly etag?: string;
  /** A file that is larger isn't taken. */
  readonly bytesMax: number;
}

/** What the answer begins with. */
export interface DownloadHead {
  /** 0 when everything is sent, else what was asked for. */
  readonly from: number;
  /** Of the whole file, as far as it is told. */
  readonly bytes?: number;
  readonly etag?: string;
}

export interface Downloads {
  /**
   * One GET. `onPiece` is called with bytes in their order, after `onHead`; resolves when the last has come. Rejects with
   * DownloadError; what came until then counts.
   */
  get(
    request: DownloadRequest,
    taker: { onHead(head: DownloadHead): void; onPiece(bytes: Uint8Array): void },
    signal: AbortSignal,
  ): Promise<void>;
}

export type DownloadFailure =
  /** No way there, or it broke off, or the server has troubles of its own. */
  | "unreachable"
  /** The server says no: 403, 404, 410. */
  | "refused"
  /** What is here is no part of what is there: from the beginning, then. */
  | "other-file"
  | "too-large";

export class DownloadError extends Error {
  override readonly name = "DownloadError";
  readonly failure: DownloadFailure;
  constructor(failure: DownloadFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.failure = failure;
  }
}
