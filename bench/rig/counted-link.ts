/**
 * A link whose bytes are counted by the kernel: two network namespaces joined by a veth pair, MTU 1500, one IP packet
 * per TCP segment. Needs root. What is counted are IP bytes: the interface's own counters less Ethernet's 14 a packet.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const ETHERNET_HEADER_BYTES = 14;
/** RFC 2544 keeps this network for measuring. */
export const FAR_ADDRESS = "198.18.0.1";
const NEAR_ADDRESS = "198.18.0.2";

export interface CountedLink {
  /** The command line that runs a program on that side. */
  on(side: "near" | "far", command: readonly string[]): readonly string[];
  remove(): void;
}

/** Undefined, with the reason said, where namespaces can't be made. */
export function openCountedLink(say: (line: string) => void): CountedLink | undefined {
  const names = { near: `psday${process.pid}n`, far: `psday${process.pid}f` };
  const sides = [
    [names.near, NEAR_ADDRESS],
    [names.far, FAR_ADDRESS],
  ] as const;
  const ip = (...words: string[]): void => void execFileSync("ip", words, { stdio: ["ignore", "ignore", "pipe"] });
  const remove = (): void => {
    for (const [side] of sides) {
      try {
        ip("netns", "del", side);
      } catch {
        // It was never made.
      }
    }
  };
  try {
    for (const [side] of sides) ip("netns", "add", side);
    ip("link", "add", "up0", "netns", names.near, "type", "veth", "peer", "name", "up0", "netns", names.far);
    for (const [side, address] of sides) {
      // Neighbour discovery would be counted beside what is measured.
      ip("netns", "exec", side, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
      ip("-n", side, "link", "set", "lo", "up");
      ip("-n", side, "address", "add", `${address}/30`, "dev", "up0");
      ip("-n", side, "link", "set", "up0", "mtu", "1500", "gso_max_segs", "1", "up");
    }
    return { on: (side, command) => ["ip", "netns", "exec", names[side], ...command], remove };
  } catch (error) {
    remove();
    const words = error instanceof Error ? error.message.trim().split("\n").at(-1) : String(error);
    say(
      `network namespaces can't be made here (${words ?? "no reason given"}): bytes are estimated from a counting proxy`,
    );
    return undefined;
  }
}

/** IP bytes that have passed this side's interface, both ways; asked on either side of the link. */
export function ipBytes(): number {
  const counter = (name: string) => Number(readFileSync(`/sys/class/net/up0/statistics/${name}`, "utf8"));
  const packets = counter("rx_packets") + counter("tx_packets");
  return counter("rx_bytes") + counter("tx_bytes") - packets * ETHERNET_HEADER_BYTES;
}
