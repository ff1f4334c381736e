/** What only shows when all devices are seen together: two at one address, two on one pin, two speeds on one line. */
import { say } from "../messages.ts";
import type { Device, Port } from "../model.ts";
import { spokenLine } from "./controls.ts";
import type { Judge } from "./judge.ts";

export function checkWiring(judge: Judge, ports: ReadonlyMap<string, Port>, devices: readonly Device[]): void {
  devices.forEach((device, index) => {
    for (const earlier of devices.slice(0, index)) {
      if (earlier.port === device.port && ports.has(device.port)) checkPair(judge, device, earlier);
    }
  });
  checkPaths(judge, ports);
}

function checkPair(judge: Judge, device: Device, earlier: Device): void {
  const at = ["devices", device.name];
  const line = judge.document.lineOf(["devices", earlier.name]);
  const { port, protocol, address } = device;
  if (protocol.kind === "pulses" || protocol.kind === "levels" || protocol.kind === "outputs") {
    if (device.pin === undefined && earlier.pin === undefined)
      judge.report([...at, "port"], say.counterTaken(port, earlier.name, line));
    if (device.pin !== undefined && device.pin === earlier.pin) {
      judge.report([...at, "pin"], say.pinTaken(device.pin, port, earlier.name, line));
    }
    return;
  }
  if (address === undefined || earlier.address === undefined)
    judge.report([...at, "port"], say.portAlone(port, earlier.name, line));
  else if (address === earlier.address) {
    const shown = protocol.kind === "i2c" ? `0x${address.toString(16)}` : String(address);
    judge.report([...at, "address"], say.addressTaken(shown, port, earlier.name, line));
  }
  if (protocol.kind !== "serial" || earlier.protocol.kind !== "serial") return;
  const [ours, theirs] = [spokenLine(protocol.settings), spokenLine(earlier.protocol.settings)];
  if (ours !== theirs) judge.report([...at, "port"], say.lineTaken(port, ours, theirs, earlier.name, line));
}

function checkPaths(judge: Judge, ports: ReadonlyMap<string, Port>): void {
  const seen = new Map<string, string>();
  for (const { name, kind, path, simulator } of ports.values()) {
    const key = `${simulator ?? ""} ${kind} ${path}`;
    const other = seen.get(key);
    if (other !== undefined) judge.report(["ports", name, kind], say.portPathTwice(path, other));
    seen.set(key, name);
  }
}
