import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createNetwork } from "./network.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const ETH0 = "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
const ETH0_NET = "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
const WWAN0 = "wwan0\t00000000\t00000000\t0001\t0\t0\t700\t00000000\t0\t0\t0\n";
const ZEROS = "0".repeat(32);
const WWAN0_V6 = `${ZEROS} 00 ${ZEROS} 00 fe80${"0".repeat(28)} 00000400 00000001 00000000 00000003    wwan0\n`;
const LO_V6 = `${ZEROS} 00 ${ZEROS} 00 ${ZEROS} ffffffff 00000001 00000000 00200200       lo\n`;

function machine(files: Readonly<Record<string, string>>, options: { interface?: string } = {}) {
  const root = mkdtempSync(join(tmpdir(), "network-"));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return createNetwork({ root, ...options });
}

const link = (name: string, state: string, rx = "1000", tx = "234") => ({
  [`/sys/class/net/${name}/operstate`]: `${state}\n`,
  [`/sys/class/net/${name}/statistics/rx_bytes`]: `${rx}\n`,
  [`/sys/class/net/${name}/statistics/tx_bytes`]: `${tx}\n`,
});

describe("the network", () => {
  it("is the default route with the smallest metric, and is named with its gateway", () => {
    const network = machine({ "/proc/self/net/route": HEAD + WWAN0 + ETH0_NET + ETH0, ...link("eth0", "up") });
    expect([network.interface(), network.name(), network.isUp()]).toEqual(["eth0", "eth0 via 192.168.1.1", true]);
    expect(network.counters("eth0")).toEqual({ rx: 1_000, tx: 234 });
  });

  it("of a modem is its interface, whose state the kernel doesn't know, also with IPv6 alone", () => {
    const four = machine({ "/proc/self/net/route": HEAD + WWAN0, ...link("wwan0", "unknown") });
    expect([four.name(), four.isUp()]).toEqual(["wwan0", true]);
    const six = machine({
      "/proc/self/net/route": HEAD,
      "/proc/self/net/ipv6_route": LO_V6 + WWAN0_V6,
      ...link("wwan0", "unknown"),
    });
    expect([six.name(), six.isUp()]).toEqual(["wwan0", true]);
  });

  it("that agent.yaml names is counted also while another is the default route", () => {
    const network = machine(
      { "/proc/self/net/route": HEAD + ETH0 + WWAN0, ...link("eth0", "up"), ...link("wwan0", "down") },
      { interface: "wwan0" },
    );
    expect([network.interface(), network.name(), network.isUp()]).toEqual(["wwan0", "wwan0", false]);
  });

  it("that isn't there, or has no way out, is down and counts nothing", () => {
    const nothing = machine({});
    expect([nothing.interface(), nothing.name(), nothing.isUp()]).toEqual([undefined, undefined, false]);
    expect(nothing.counters("wwan0")).toBeUndefined();
    const routeless = machine({
      "/proc/self/net/route": HEAD + ETH0_NET,
      "/proc/self/net/ipv6_route": LO_V6,
      ...link("eth0", "up"),
    });
    expect(routeless.isUp()).toBe(false);
    expect(machine({}, { interface: "wwan0" }).isUp()).toBe(false);
  });

  it("of this machine can be asked", () => {
    const network = createNetwork();
    const name = network.interface();
    expect(name === undefined || network.counters(name) !== undefined).toBe(true);
  });
});
