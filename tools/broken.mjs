// Bundles of the programs in which one module is another one: what a proof has to notice. Never part of `npm run build`.
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./build.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const BROKEN = "simulators/prove/broken";

/** What is broken, and which modules stand in for which; by what the proof is of. */
export const BREAKS = {
  kill: {
    insert: {
      says: "the bridge inserts whatever comes",
      modules: {
        "cloud-bridge/store/sqlite-samples.ts": "insert-samples.ts",
        "cloud-bridge/store/sqlite-schema.ts": "insert-schema.ts",
      },
    },
    ack: {
      says: "the agent deletes rows before they are acknowledged",
      modules: { "agent/buffer/offers.ts": "ack-offers.ts" },
    },
    receipt: {
      says: "the agent takes accepted for stored",
      modules: { "agent/buffer/messages.ts": "receipt-messages.ts" },
    },
    recut: {
      says: "the agent cuts a message anew when it sends it again",
      modules: { "agent/buffer/offers.ts": "recut-offers.ts" },
    },
  },
  twin: {
    merge: {
      says: "the agent merges desired patches although some are missing",
      modules: { "agent/twin/mirror.ts": "merge-mirror.ts" },
    },
    ack: {
      says: "the agent acknowledges what was asked, not what runs",
      modules: { "agent/twin/applied.ts": "ack-applied.ts" },
    },
    digest: {
      says: "the agent reports the digest of what is desired, whatever runs",
      modules: { "agent/twin/section.ts": "digest-section.ts" },
    },
    refetch: {
      says: "the agent fetches what is desired once, and then only listens",
      modules: { "agent/twin/sync.ts": "refetch-sync.ts" },
    },
  },
  power: {
    synchronous: {
      says: "the agent's database runs with synchronous=NORMAL and nobody syncs",
      modules: { "agent/linux/sqlite.ts": "normal-sqlite.ts" },
    },
  },
};

/** What is killed, what writes to the disk, what runs on a simulated clock. */
const PROGRAMS = {
  kill: { "agent.mjs": "agent/main.ts", "cloud-bridge.mjs": "cloud-bridge/main.ts" },
  twin: { "prove.mjs": "simulators/prove/main.ts" },
  power: { "prove.mjs": "simulators/prove/main.ts" },
};

/** Builds the programs so broken; resolves with their folder. Throws when a module to be replaced isn't there any more. */
export async function buildBroken(proof, name) {
  const { modules } = BREAKS[proof][name];
  const out = join(root, "dist/broken", name);
  const replaced = new Set();
  const plugins = [replacing(modules, replaced)];
  for (const [program, entry] of Object.entries(PROGRAMS[proof]))
    await bundle(entry, join(out, program), { plugins, sourcemap: false });
  const missing = Object.keys(modules).filter((module) => !replaced.has(module));
  if (missing.length > 0) throw new Error(`break ${name}: no program imports ${missing.join(", ")}`);
  return out;
}

/** Whoever imports the module gets the other one; that one itself still gets the module. */
const replacing = (modules, replaced) => ({
  name: "replacing",
  setup: (build) => {
    const stands = new Map(Object.entries(modules).map(([module, by]) => [join(root, module), [module, by]]));
    build.onResolve({ filter: /\.ts$/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === "looked" || importer.startsWith(join(root, BROKEN))) return undefined;
      const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: "looked" });
      const [module, by] = stands.get(found.path) ?? [];
      if (module === undefined) return found;
      replaced.add(module);
      return { path: resolve(root, BROKEN, by) };
    });
  },
});
