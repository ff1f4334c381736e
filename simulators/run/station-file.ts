/**
 * A station file of the catalogue as a demonstration wires it: the same text with its comments, its serial ports at
 * our pseudo-terminals, its buses and pins played by our socket, and its devices read more often, for those who watch.
 */
import { join } from "node:path";

export interface Wiring {
  /** Folder of the pseudo-terminals. */
  readonly terminals: string;
  /** Unix socket that plays buses and pins. */
  readonly simulator: string;
}

/** How often a demonstration reads what a station reads every 30 or 60 s. */
const HURRIED: Readonly<Record<string, string>> = { "30s": "5s", "60s": "10s" };
const HURRIED_PULSES = "10s";

/** Lines are found as a person would find them, so that comments and order stay. */
export function wiredStation(text: string, wiring: Wiring): string {
  let section = "";
  let port = "";
  return text
    .split("\n")
    .flatMap((line) => {
      section = /^([a-z]+):/.exec(line)?.[1] ?? section;
      port = /^ {2}([a-z0-9-]+):\s*(?:#.*)?$/.exec(line)?.[1] ?? port;
      if (section === "ports") return wiredPort(line, port, wiring);
      return section === "devices" ? hurried(line) : [line];
    })
    .join("\n");
}

function wiredPort(line: string, port: string, { terminals, simulator }: Wiring): string[] {
  const [, indent = "", kind] = /^( +)(serial|i2c|gpio):/.exec(line) ?? [];
  if (kind === undefined) return [line];
  if (kind === "serial") return [`${indent}serial: ${JSON.stringify(join(terminals, port))}`];
  return [line, `${indent}simulator: ${JSON.stringify(simulator)}`];
}

function hurried(line: string): string[] {
  const [, usual = ""] = /^ {4}every: (\S+)$/.exec(line) ?? [];
  const soon = HURRIED[usual];
  if (soon !== undefined) return [`    every: ${soon.padEnd(24)} # a real station: ${usual}`];
  return /^ {4}pin: /.test(line) ? [line, `    every: ${HURRIED_PULSES}`] : [line];
}
