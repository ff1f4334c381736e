/**
 * The network as /proc and /sys tell it.
 *
 *   /proc/self/net/route  Iface Destination Gateway Flags RefCnt Use Metric Mask …, hex, little-endian
 *   …/ipv6_route          destination, its prefix length, …, metric (6th), …, flags (9th), interface (10th), hex
 *   /sys/class/net/NAME/  operstate ("unknown" for modems that speak raw IP), statistics/{rx,tx}_bytes
 */
import { readFileSync } from "node:fs";
import type { Network } from "../world.ts";

/** Routes are looked up once for all that is asked within such a time, ms. */
const FRESH_MS = 1_000;
const ROUTE_UP = 0x1;
const DOWN = new Set(["down", "lowerlayerdown", "notpresent", "dormant"]);

export interface NetworkOptions {
  /** Of agent.yaml; without it the default route's. */
  readonly interface?: string;
  /** Stands before the paths above, for tests. */
  readonly root?: string;
}

interface Route {
  readonly interface: string;
  /** undefined: point to point, or IPv6, whose routers have no address that means something. */
  readonly gateway?: string;
  readonly metric: number;
}

export function createNetwork(options: NetworkOptions = {}): Network {
  const root = options.root ?? "";
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(`${root}${path}`, "utf8");
    } catch {
      return undefined;
    }
  };
  let known: { readonly route: Route | undefined; readonly atMs: number } | undefined;
  const route = (): Route | undefined => {
    const now = Number(process.hrtime.bigint()) / 1e6;
    if (!known || now - known.atMs >= FRESH_MS) {
      const routes = [
        ...ipv4Routes(read("/proc/self/net/route") ?? ""),
        ...ipv6Routes(read("/proc/self/net/ipv6_route") ?? ""),
      ];
      known = { route: best(routes, options.interface), atMs: now };
    }
    return known.route;
  };
  const nameOf = (): string | undefined => options.interface ?? route()?.interface;
  const count = (name: string, what: string): number | undefined => {
    const text = read(`/sys/class/net/${name}/statistics/${what}_bytes`)?.trim() ?? "";
    return /^\d+$/.test(text) ? Number(text) : undefined;
  };
  return {
    interface: nameOf,
    isUp: () => {
      const name = nameOf();
      const state = name === undefined ? undefined : read(`/sys/class/net/${name}/operstate`)?.trim();
      return state !== undefined && !DOWN.has(state) && (options.interface !== undefined || route() !== undefined);
    },
    name: () => {
      const name = nameOf();
      const gateway = route()?.gateway;
      return name !== undefined && gateway !== undefined ? `${name} via ${gateway}` : name;
    },
    counters: (name) => {
      const [rx, tx] = [count(name, "rx"), count(name, "tx")];
      return rx === undefined || tx === undefined ? undefined : { rx, tx };
    },
  };
}

/** The default route that the kernel takes: the smallest metric, IPv4 before IPv6. */
function best(routes: readonly Route[], wanted: string | undefined): Route | undefined {
  const usable = routes.filter((route) => wanted === undefined || route.interface === wanted);
  return usable.reduce<Route | undefined>((now, next) => (now && now.metric <= next.metric ? now : next), undefined);
}

function ipv4Routes(text: string): Route[] {
  return text.split("\n").flatMap((line): Route[] => {
    const [name = "", destination, gateway = "", flags = "", , , metric = "", mask] = line.trim().split(/\s+/);
    if (destination !== "00000000" || mask !== "00000000" || !(Number.parseInt(flags, 16) & ROUTE_UP)) return [];
    const address = gateway === "00000000" ? {} : { gateway: ipv4From(gateway) };
    return [{ interface: name, metric: Number(metric), ...address }];
  });
}

/** "0101A8C0" is 192.168.1.1. */
const ipv4From = (hex: string): string =>
  (hex.match(/../g) ?? [])
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join(".");

function ipv6Routes(text: string): Route[] {
  return text.split("\n").flatMap((line): Route[] => {
    const [destination = "", prefix, , , , metric = "", , , flags = "", name = ""] = line.trim().split(/\s+/);
    const isDefault = /^0{32}$/.test(destination) && prefix === "00";
    // The kernel's own "unreachable" entry stands on lo.
    if (!isDefault || name === "lo" || !(Number.parseInt(flags, 16) & ROUTE_UP)) return [];
    return [{ interface: name, metric: Number.parseInt(metric, 16) }];
  });
}
