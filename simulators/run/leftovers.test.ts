import { expect, test } from "vitest";
import type { TextFiles } from "../world.ts";
import { layoutOf, programsIn } from "./layout.ts";
import { endLeftovers } from "./leftovers.ts";

const layout = layoutOf("/srv/demo", "/tmp");

function after(noted: string | undefined, alive: Readonly<Record<number, string>>) {
  const files = new Map(noted === undefined ? [] : [[layout.running, noted]]);
  const ended: number[] = [];
  const said: string[] = [];
  const texts: TextFiles = {
    read: (path) => files.get(path),
    write: (path, text) => void files.set(path, text),
    remove: (path) => void files.delete(path),
  };
  const isStranger = (pid: number, mark: string) => alive[pid]?.includes(mark) ?? false;
  const processes = {
    start: () => {
      throw new Error("nothing is started here");
    },
    isStranger,
    endStranger: async (pid: number, mark: string) => isStranger(pid, mark) && ended.push(pid) > 0,
  };
  const deps = {
    files: texts,
    processes,
    programs: programsIn("/opt/dist"),
    say: (line: string) => void said.push(line),
  };
  return { ending: endLeftovers(deps, layout), files, ended, said };
}
const NOTED = JSON.stringify({ demo: 10, "the bridge": 11, "the agent": 12 });

test("what a killed demonstration left is ended, but not a stranger with the same pid", async () => {
  const { ending, files, ended, said } = after(NOTED, {
    11: "node /opt/dist/cloud-bridge.mjs run --data /srv/demo/bridge",
    12: "vim /home/me/notes",
  });
  await ending;
  expect([ended, files.size]).toEqual([[11], 0]);
  expect(said).toEqual(["Ended the bridge (pid 11), left from before."]);
});

test("a demonstration that still runs is left alone and named", async () => {
  const { ending, ended } = after(NOTED, { 10: "node /opt/dist/simulators.mjs demo", 11: "node … /srv/demo/bridge" });
  await expect(ending).rejects.toThrow("already runs in /srv/demo (pid 10)");
  expect(ended).toEqual([]);
});

test("nothing noted, nothing to do", async () => {
  const { ending, ended } = after(undefined, {});
  await ending;
  expect(ended).toEqual([]);
});

test("sockets lie beside the rest unless their path would be too long for a Unix socket", () => {
  expect(layoutOf("/srv/demo", "/tmp").sockets.ports).toBe("/srv/demo/sockets/ports.sock");
  const deep = layoutOf(`/srv/${"deep/".repeat(20)}demo`, "/tmp").sockets.evidence;
  expect(deep).toMatch(/^\/tmp\/pump-station-[0-9a-f]{12}\/evidence\.sock$/);
});
