/** A device's connection as packets, and how bytes become it. The same seam serves TLS, memory and fuzz tests. */
import { createPacketGuard } from "@pump-station/cloud-bridge/host/packet-guard.ts";
import { generate, type Packet, parser } from "mqtt-packet";
import type { CertificateChain } from "./certificates.ts";
import { PACKET_BYTES_MAX } from "./limits.ts";

export interface PacketLink {
  send(packet: Packet): void;
  /** Sends half of the packet's bytes, if there is one, and breaks the link (RST). */
  cut(packet?: Packet): void;
  /** Ends the link in good order (FIN). */
  close(): void;
}

export interface PacketReceiver {
  onPacket(packet: Packet): void;
  /** The link is gone, whoever ended it. */
  onClosed(): void;
  /** What came was no MQTT. */
  onNonsense(what: string): void;
}

/** A hub, the provisioning service, a broker: it takes connections. */
export interface PacketServer {
  /** Who connects in MQTT 5 is answered in it; else in 3.1.1, whatever was asked. */
  readonly isMqtt5Spoken?: boolean;
  accept(link: PacketLink, chain: CertificateChain): PacketReceiver;
}

export interface ByteLink {
  write(bytes: Uint8Array): void;
  /** FIN */
  end(): void;
  /** RST */
  reset(): void;
}

export interface ByteReceiver {
  onBytes(bytes: Uint8Array): void;
  onClosed(): void;
}

export function acceptBytes(server: PacketServer, link: ByteLink, chain: CertificateChain): ByteReceiver {
  let protocolVersion = 4;
  const receiver = server.accept(
    {
      send: (packet) => link.write(generate(packet, { protocolVersion })),
      cut: (packet) => {
        const bytes = packet ? generate(packet, { protocolVersion }) : new Uint8Array();
        if (packet) link.write(bytes.subarray(0, Math.ceil(bytes.length / 2)));
        link.reset();
      },
      close: () => link.end(),
    },
    chain,
  );
  const packets = parser({ protocolVersion: 4 });
  const guard = createPacketGuard(PACKET_BYTES_MAX);
  let isBroken = false;
  const giveUp = (what: string): void => {
    isBroken = true;
    receiver.onNonsense(what);
  };
  packets.on("packet", (packet) => {
    if (server.isMqtt5Spoken && packet.cmd === "connect") protocolVersion = packet.protocolVersion ?? 4;
    if (!isBroken) receiver.onPacket(packet);
  });
  packets.on("error", (error: unknown) => giveUp(String(error)));
  return {
    onBytes: (bytes) => {
      if (isBroken) return;
      if (!guard.passes(bytes)) return giveUp(`a packet is larger than ${PACKET_BYTES_MAX} bytes`);
      packets.parse(Buffer.from(bytes));
    },
    onClosed: () => {
      isBroken = true;
      receiver.onClosed();
    },
  };
}
