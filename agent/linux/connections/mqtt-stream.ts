/**
 * The socket below one MQTT connection, ours instead of mqtt.js's: it hands on the TLS session of the connection before
 * and counts what passes over TCP, which a TLS socket doesn't tell.
 */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import type { IStream } from "mqtt";
import type { MqttOptions } from "../../world.ts";
import type { TlsSessions } from "./tls-sessions.ts";

export interface MqttStream {
  readonly stream: IStream;
  /** TCP payload both ways. */
  bytes(): number;
  isResumed(): boolean;
}

const PORTS: Readonly<Record<string, number>> = { "mqtts:": 8883, "mqtt:": 1883 };

/** `onError` is told what ends the connection before MQTT speaks. */
export function openStream(options: MqttOptions, sessions: TlsSessions, onError: (error: Error) => void): MqttStream {
  const { protocol, hostname, port } = new URL(options.url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const tcp = connectTcp({ host, port: port === "" ? (PORTS[protocol] ?? 8883) : Number(port) });
  const bytes = (): number => tcp.bytesRead + tcp.bytesWritten;
  if (protocol !== "mqtts:") return { stream: tcp, bytes, isResumed: () => false };
  const session = sessions.take(options);
  const tls = secured(tcp, host, options, { session, context: sessions.contextOf(options) });
  tls.on("session", (ticket: Buffer) => sessions.keep(options, ticket));
  let isResumed = false;
  // mqtt.js listens to what comes after the handshake.
  const failed = (error: Error): void => {
    onError(error);
    tls.end();
  };
  tls.on("error", failed);
  tls.once("secureConnect", () => {
    isResumed = tls.isSessionReused();
    if (isResumed && session) sessions.wasTaken(options, session);
    tls.off("error", failed);
  });
  return { stream: tls, bytes, isResumed: () => isResumed };
}

function secured(
  tcp: Socket,
  host: string,
  { alpn }: MqttOptions,
  { session, context }: { readonly session: Buffer | undefined; readonly context: SecureContext },
): TLSSocket {
  const tls = connectTls({
    socket: tcp,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: true,
    secureContext: context,
    ...(alpn !== undefined && { ALPNProtocols: [alpn] }),
    ...(session && { session }),
  });
  tls.once("close", () => tcp.destroy());
  return tls;
}
