/** A connection as packets: the seam at which the same cloud serves TLS, memory and fuzz tests. */
import type { Packet } from "mqtt-packet";

export interface PacketLink {
  send(packet: Packet): void;
  /** Sends half of the packet's bytes, if there is one, and breaks the link. */
  cut(packet?: Packet): void;
  /** Ends the link in good order. */
  close(): void;
}

export interface PacketReceiver {
  onPacket(packet: Packet): void;
  /** The link is gone, whoever ended it. */
  onClosed(): void;
  /** What came was no MQTT. */
  onNonsense(what: string): void;
}
