/**
 * What somebody far away needs to see what is wrong: one tar.gz of texts. Nothing secret goes in: of the configuration
 * only the keys that are listed here, and no file that credentials name.
 */
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { DIAGNOSTICS_BYTES_MAX } from "../limits.ts";
import type { LogRing } from "./log-ring.ts";

export interface DiagnosticsDeps {
  readonly status: () => unknown;
  readonly audit: () => unknown;
  readonly twin: () => unknown;
  /** The configuration as it was read. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Texts of the description that runs. */
  readonly description: () => readonly { readonly path: string; readonly text: string }[];
  readonly log: LogRing["lines"];
  /** Of the machine: kernel, memory, disks, network. */
  readonly machine: () => Readonly<Record<string, unknown>>;
}

/** Says nothing of what proves who the station is, and where that lies. */
const CONFIG_KEYS = [
  ...["format", "station", "description", "devices", "data", "upload-interval", "upload-windows", "keep-alive"],
  ...["connection", "budget", "network-interface", "commit-interval", "trial-window", "buffer", "body", "when-full"],
  ...["trust-clock", "clock-set-file", "control", "poll", "log"],
];

/** Of texts that are too long the newest part stays. `bytesMax` is above 0; it is DIAGNOSTICS_BYTES_MAX at most. */
export async function diagnosticsFile(deps: DiagnosticsDeps, bytesMax = DIAGNOSTICS_BYTES_MAX): Promise<Uint8Array> {
  const texts = textsOf(deps);
  const most = Math.min(bytesMax, DIAGNOSTICS_BYTES_MAX);
  for (let keptPart = 1; ; keptPart /= 2) {
    const cut = texts.map(({ name, text }) => ({
      name,
      text: keptPart === 1 ? text : text.slice(-Math.ceil(text.length * keptPart)),
    }));
    const packed = gzipSync(await tarOf(cut));
    if (packed.length <= most) return packed;
  }
}

interface Text {
  readonly name: string;
  readonly text: string;
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;

const textsOf = (deps: DiagnosticsDeps): readonly Text[] => [
  { name: "status.json", text: json(deps.status()) },
  { name: "config.json", text: json(shownConfig(deps.config)) },
  ...deps.description().map(({ path, text }, at) => ({
    name: `description/${at}-${path.split("/").at(-1) ?? "file"}`.slice(0, 100),
    text,
  })),
  { name: "audit.json", text: json(deps.audit()) },
  { name: "twin.json", text: json(deps.twin()) },
  { name: "machine.json", text: json(deps.machine()) },
  {
    name: "log.jsonl",
    text: deps
      .log()
      .map((line) => `${line}\n`)
      .join(""),
  },
];

/** Which credentials there are is worth knowing; their names and places aren't needed. The cloud without what may stand before @. */
function shownConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { text } = (config["cloud"] ?? {}) as { readonly text?: string };
  const given = ["password-file", "certificate-file", "private-key-file", "access-key-file", "ca", "user"];
  return {
    ...Object.fromEntries(CONFIG_KEYS.filter((key) => key in config).map((key) => [key, config[key]])),
    cloud: text?.replace(/\/\/[^/@]*@/, "//"),
    "credentials given": given.filter((key) => config[key] !== undefined),
  };
}

async function tarOf(texts: readonly Text[]): Promise<Uint8Array> {
  const tar = pack();
  for (const { name, text } of texts) tar.entry({ name, mtime: new Date(0), mode: 0o640 }, text);
  tar.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of tar) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}
