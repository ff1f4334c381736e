/**
 * Hub and provisioning service behind one port. In Azure they are two hosts; most SDKs take a host name only and always
 * connect to 8883, so that two ports on one machine would be out of their reach. The user name says whom a device means.
 */
import type { Timers } from "@pump-station/agent/world.ts";
import { CONNECT_WITHIN_MS } from "./limits.ts";
import type { PacketReceiver, PacketServer } from "./link.ts";

export function createFrontDoor(
  { timers }: { readonly timers: Timers },
  { hub, dps }: { readonly hub: PacketServer; readonly dps: PacketServer },
): PacketServer {
  return {
    accept: (link, chain) => {
      let receiver: PacketReceiver | undefined;
      let isOver = false;
      const stopWaiting = timers.after(CONNECT_WITHIN_MS, () => {
        isOver = true;
        link.close();
      });
      const close = (): void => {
        isOver = true;
        stopWaiting();
      };
      return {
        onPacket: (packet) => {
          if (isOver) return;
          if (!receiver) {
            stopWaiting();
            const isForDps = packet.cmd === "connect" && /^[^/]+\/registrations\//.test(packet.username ?? "");
            receiver = (isForDps ? dps : hub).accept(link, chain);
          }
          receiver.onPacket(packet);
        },
        onClosed: () => {
          close();
          receiver?.onClosed();
        },
        onNonsense: (what) => {
          close();
          if (receiver) receiver.onNonsense(what);
          else link.close();
        },
      };
    },
  };
}
