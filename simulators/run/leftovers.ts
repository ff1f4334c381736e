/** Processes of a demonstration that was killed hold its ports and databases; they are ended before a new one starts. */
import type { Processes, TextFiles } from "../world.ts";
import type { Layout, Programs } from "./layout.ts";

export interface LeftoversDeps {
  readonly files: TextFiles;
  readonly processes: Processes;
  readonly programs: Programs;
  readonly say: (line: string) => void;
}

/** Throws Error when a demonstration still runs in this folder. */
export async function endLeftovers(deps: LeftoversDeps, layout: Layout): Promise<void> {
  const noted = deps.files.read(layout.running);
  if (noted === undefined) return;
  const { demo, ...parts } = JSON.parse(noted) as Record<string, number>;
  // A pid may be somebody else's by now; ours name the program, and this folder.
  if (demo !== undefined && deps.processes.isStranger(demo, deps.programs.simulators)) {
    throw new Error(`a demonstration already runs in ${layout.root} (pid ${demo}); stop it, or take another --data`);
  }
  for (const [name, pid] of Object.entries(parts)) {
    if (await deps.processes.endStranger(pid, layout.root)) deps.say(`Ended ${name} (pid ${pid}), left from before.`);
  }
  deps.files.remove(layout.running);
}
