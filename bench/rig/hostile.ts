/**
 * Description files that are meant to hurt, and valid ones with random damage: no figure but a verdict, and what the
 * worst of them took. Hostile ones are read by a process of its own, which may use no more than `HEAP_MB`.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SourceFile } from "@pump-station/sensor-descriptions/load.ts";
import { fuzzFiles, loadChecked } from "@pump-station/sensor-descriptions/testing/fuzz-files.ts";
import { DRY, endlessType, hostileFiles } from "@pump-station/sensor-descriptions/testing/hostile-files.ts";

/** Of the heap that JavaScript has; Node itself and the program's code stand beside it. */
const HEAP_MB = 100;
const FILE_MS_MAX = 1_000;
const KINDS = [
  "demo-lake",
  "pump-mk2",
  "pump-modbus",
  "bme280",
  "tipping-bucket",
  "door-contact",
  "relay",
  "lines-asked",
  "dry",
];

interface Options {
  readonly catalogue: string;
  /** The benchmark's own file, for a process of its own. */
  readonly bundle: string;
  readonly runs: number;
  readonly seed: number;
  readonly nowMs: () => number;
}

/** Prints the verdict that is asked for; false: it isn't one about files. */
export function provesFiles(only: string | undefined, options: Options): boolean {
  if (only === "fuzz-files") console.log(fuzzedFiles(options));
  else if (only === "hostile-files") console.log(hostileOnes(options.catalogue));
  else if (only === "hostile") inLittleMemory(options.bundle, "hostile-files");
  else return false;
  return true;
}

function readCatalogue(catalogue: string): SourceFile[] {
  const files = ["stations", "boards", "sensors"].flatMap((folder) =>
    readdirSync(join(catalogue, folder)).map((name) => {
      return { path: `${folder}/${name}`, text: readFileSync(join(catalogue, folder, name), "utf8") };
    }),
  );
  const framings = join(catalogue, "../../sensor-descriptions/testing/devices");
  const others = readdirSync(framings).map((name) => {
    return { path: `devices/${name}`, text: readFileSync(join(framings, name), "utf8") };
  });
  return [...files, ...others, { path: "devices/dry.yaml", text: DRY }];
}

const finderIn = (files: readonly SourceFile[]) => (type: string) =>
  endlessType(type) ?? files.find(({ path }) => path.endsWith(`/${type}.yaml`));

/** Every file of the catalogue in turn; throws with the seed of the run that went wrong. */
function fuzzedFiles({ catalogue, runs, seed, nowMs }: Options): string {
  const files = readCatalogue(catalogue);
  const fromMs = nowMs();
  const { usable, refused, codes, slowestMs } = fuzzFiles(files, finderIn(files), runs, seed, processorMs);
  const took = Math.round((nowMs() - fromMs) / 1_000);
  return `${runs} description files with random damage from seed ${seed}: no crash; ${refused} refused with ${codes.size} different messages, ${usable} usable; the slowest took ${Math.round(slowestMs)} ms of the processor (${took} s in all, maximum resident ${megabytes()} MB)`;
}

/** In the child: throws when a file is neither refused nor bounded, or takes too long. */
function hostileOnes(catalogue: string): string {
  const files = readCatalogue(catalogue);
  const kinds = files.filter(({ path }) => KINDS.some((kind) => path.endsWith(`/${kind}.yaml`)));
  const beforeMb = megabytes();
  const slow: string[] = [];
  let [count, slowestMs] = [0, 0];
  for (const file of hostileFiles(kinds)) {
    count++;
    const fromMs = processorMs();
    loadChecked(file, finderIn(files), file.name);
    const tookMs = processorMs() - fromMs;
    slowestMs = Math.max(slowestMs, tookMs);
    if (tookMs > FILE_MS_MAX) slow.push(`${file.name}: ${Math.round(tookMs)} ms`);
  }
  if (slow.length > 0) throw new Error(`longer than ${FILE_MS_MAX} ms:\n  ${slow.join("\n  ")}`);
  return `hostile description files: ${count}, each refused or bounded; the slowest took ${Math.round(slowestMs)} ms of the processor, heap limited to ${HEAP_MB} MB, resident ${beforeMb} MB before, at most ${megabytes()} MB`;
}

/** Of this process: the machine may be shared. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const megabytes = (): number => Math.round(process.resourceUsage().maxRSS / 1024);

/** Runs the same benchmark again in a child with little memory; its output is the child's. */
function inLittleMemory(bundle: string, only: string): void {
  const program = `import(${JSON.stringify(bundle)}).then(({ run }) => run(["--only", ${JSON.stringify(only)}]))`;
  const { status, signal } = spawnSync(process.execPath, [`--max-old-space-size=${HEAP_MB}`, "-e", program], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) throw new Error(`${only}: exit ${status ?? signal}`);
}
