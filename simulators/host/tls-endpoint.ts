/** A TLS port for a cloud in this process: each connection becomes bytes and the certificates that its client showed. */
import type { AddressInfo, Socket } from "node:net";
import { createServer, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { acceptBytes, type PacketServer } from "../clouds/azure/link.ts";

export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Loopback unless said. */
  readonly host?: string;
  /** 0: any. */
  readonly port: number;
}

export interface TlsEndpoint {
  readonly port: number;
  close(): Promise<void>;
}

/** A client shows at most so many certificates; a crafted chain must not go round for ever. */
const CHAIN_MAX = 5;

export async function serveTls(server: PacketServer, options: TlsOptions): Promise<TlsEndpoint> {
  const sockets = new Set<Socket>();
  const raws = new Map<string, Socket>();
  // Who may come in is decided from the certificate by the hub, which also takes self-signed ones.
  const tls = createServer({
    cert: options.cert,
    key: options.key,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
  });
  tls.on("connection", (raw: Socket) => {
    const name = nameOf(raw);
    sockets.add(raw);
    raws.set(name, raw);
    raw.on("error", () => undefined);
    raw.on("close", () => {
      sockets.delete(raw);
      raws.delete(name);
    });
  });
  tls.on("tlsClientError", () => undefined);
  tls.on("secureConnection", (socket) => attach(server, socket, raws.get(nameOf(socket))));
  await new Promise<void>((resolve, reject) => {
    tls.once("error", reject);
    tls.listen(options.port, options.host ?? "127.0.0.1", resolve);
  });
  return {
    port: (tls.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => tls.close(() => resolve()));
    },
  };
}

function attach(server: PacketServer, socket: TLSSocket, raw: Socket | undefined): void {
  socket.setNoDelay(true);
  const receiver = acceptBytes(
    server,
    {
      write: (bytes) => void (socket.writable && socket.write(bytes)),
      end: () => socket.end(),
      // RST is sent on the socket below TLS, after what was written has gone out.
      reset: () => void setImmediate(() => (raw && !raw.destroyed ? raw.resetAndDestroy() : socket.destroy())),
    },
    chainOf(socket),
  );
  socket.on("data", (bytes: Uint8Array) => receiver.onBytes(bytes));
  socket.on("error", () => undefined);
  socket.on("close", () => receiver.onClosed());
}

function chainOf(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  // Without a certificate this is an empty object, whatever the types say.
  let next: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
  while (next?.raw && chain.length < CHAIN_MAX) {
    chain.push(new Uint8Array(next.raw));
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}

const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress}:${remotePort}`;
