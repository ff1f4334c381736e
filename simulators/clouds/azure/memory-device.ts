/**
 * A device's end of a connection in memory: packets in, packets out, on the simulated clock. Each way keeps its order and
 * takes `latencyMs`. Broken like a real one: what is on its way when the link breaks is lost.
 */
import type { Timers } from "@pump-station/agent/world.ts";
import type { Packet } from "mqtt-packet";
import type { CertificateChain } from "./certificates.ts";
import type { PacketReceiver, PacketServer } from "./link.ts";

export interface MemoryLink {
  send(packet: Packet): void;
  /** Ends the link from the device's side, without DISCONNECT. */
  close(): void;
  /** Nothing passes any more, and nobody is told. */
  goSilent(): void;
  readonly isOpen: boolean;
}

export interface MemoryListener {
  onPacket(packet: Packet): void;
  /** "fin": the hub ended it; "reset": it broke. Not called when the device ended it. */
  onClosed(how: "fin" | "reset"): void;
}

export function connectInMemory(
  server: PacketServer,
  deps: { readonly timers: Timers; readonly latencyMs?: number; readonly chain?: CertificateChain },
  listener: MemoryListener,
): MemoryLink {
  let isOpen = true;
  let isSilent = false;
  const after = (run: () => void): void => void deps.timers.after(deps.latencyMs ?? 0, run);
  const down = (run: () => void): void =>
    after(() => {
      if (isOpen && !isSilent) run();
    });
  const end = (how: "fin" | "reset"): void =>
    down(() => {
      isOpen = false;
      receiver.onClosed();
      listener.onClosed(how);
    });
  const receiver: PacketReceiver = server.accept(
    {
      send: (packet) => down(() => listener.onPacket(packet)),
      cut: () => end("reset"),
      close: () => end("fin"),
    },
    deps.chain ?? [],
  );
  return {
    send: (packet) => after(() => isOpen && !isSilent && receiver.onPacket(packet)),
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      if (!isSilent) after(() => receiver.onClosed());
    },
    goSilent: () => {
      isSilent = true;
    },
    get isOpen() {
      return isOpen;
    },
  };
}
