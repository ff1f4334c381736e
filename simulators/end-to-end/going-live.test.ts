/** A description that is good and wrong: the built agent tries it, goes back by itself, and says so to who saved it. */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { type Demo, startDemo } from "./testing/demo.ts";
import { type AtEnd, PATIENCE_MS, PROGRAMS, type Ran, temporaryFolder, until } from "./testing/programs.ts";

/** The pump answers at address 1. */
const DEAF = (text: string) => text.replace("    address: 1\n", "    address: 9\n");
const SLOWER = (text: string) => text.replace(/( {2}pump:[\s\S]*?)every: 1s/, "$1every: 2s");
const HURRIED = (text: string) => text.replaceAll(/every: (5|10)s/g, "every: 1s");

describe.concurrent("a description on trial", { timeout: 2 * PATIENCE_MS }, () => {
  test("under which the pump no longer answers is taken back, and the rejected text kept; other devices go on", async ({
    expect,
    onTestFinished,
  }) => {
    const demo = await hurriedDemo(onTestFinished);
    const { hash } = (await demo.status()).description;
    demo.editStationFile(DEAF);
    const trial = await until("it is on trial", async () => (await demo.status()).description.trial);
    expect(trial.changes).toEqual(["pump: address 1 → 9"]);
    const status = await until("it is rolled back", async () => {
      const { description } = await demo.status();
      // What ran before is put to work first; until the verdict stands, the one on the description before it is told.
      return description.verdict?.outcome === "rolled-back" ? description : undefined;
    });
    expect(status).toMatchObject({ hash, differs: ["pump: address 1 → 9"] });
    expect(status.problems[0]).toMatch(
      /was rolled back: pump no longer answers \(timeout \d+ of \d+\); what ran before runs/,
    );
    expect(readFileSync(status.verdict?.rejected ?? "", "utf8")).toContain("address: 9");
    await until("the pump answers again", async () =>
      (await demo.device("pump"))?.health === "good" ? true : undefined,
    );
    const { out } = await demo.cli("status");
    expect(out).toContain("station.yaml was rolled back; the last good one runs");
    expect((await demo.status()).buffer.dropped).toBe(0);
  });

  test("is marked on disk: after a kill -9 the last good one runs, until somebody tries it again", async ({
    expect,
    onTestFinished,
  }) => {
    const demo = await hurriedDemo(onTestFinished);
    const { epoch } = (await demo.status()).buffer;
    demo.editStationFile(DEAF);
    await until("it is on trial", async () => (await demo.status()).description.trial);
    demo.signal("the agent", "SIGKILL");
    const next = await until("another agent answers", async () => {
      const status = await demo.status();
      return status.buffer.epoch !== epoch && status.description.runs !== "nothing" ? status.description : undefined;
    });
    expect(next.runs).toBe("last good");
    expect(next.problems[0]).toContain("the agent ended in the middle of the trial");
    await until("the pump answers", async () => ((await demo.device("pump"))?.health === "good" ? true : undefined));
    expect(await demo.cli("try", "--keep")).toMatchObject({ code: 0, out: expect.stringContaining("Kept: ") });
  });

  test("edit shows the verdict of the one who saved: kept is 0, rolled back is 1", async ({
    expect,
    onTestFinished,
  }) => {
    const demo = await hurriedDemo(onTestFinished);
    const kept = await edited(onTestFinished, demo, SLOWER);
    expect(kept, kept.out + kept.err).toMatchObject({ code: 0 });
    expect(kept.out).toContain("Changes against what runs:\n  pump: every 1s → 2s");
    expect(kept.out).toContain("Kept: ");
    const back = await edited(onTestFinished, demo, DEAF);
    expect(back, back.out + back.err).toMatchObject({ code: 1 });
    expect(back.out).toMatch(/Rolled back: [\s\S]*pump no longer answers \(timeout/);
    const broken = await edited(onTestFinished, demo, (text) => text.replace("type: pump-mk2", "type: pump-mk9"));
    expect(broken).toMatchObject({ code: 78, out: expect.stringMatching(/station\.yaml:21:\d+ error/) });
    expect(existsSync(demo.layout.stationFile) && readFileSync(demo.layout.stationFile, "utf8")).not.toContain("mk9");
  });

  test("edit is killed with its connection: the trial goes on, and the verdict is found with status", async ({
    expect,
    onTestFinished,
  }) => {
    const demo = await hurriedDemo(onTestFinished);
    const editing = startEdit(onTestFinished, demo, DEAF);
    await until("it is on trial", async () => (await demo.status()).description.trial);
    editing.kill("SIGHUP");
    await until("status tells the verdict", async () =>
      /was rolled back[\s\S]*pump no longer answers/.test((await demo.cli("status")).out) ? true : undefined,
    );
    expect((await demo.status()).description.verdict?.outcome).toBe("rolled-back");
  });
});

/** Its devices are read each second, and a trial lasts ten polls, but seconds where a station's lasts two minutes. */
async function hurriedDemo(atEnd: AtEnd): Promise<Demo> {
  const demo = await startDemo(atEnd);
  const config = readFileSync(demo.layout.agentConfig, "utf8");
  writeFileSync(demo.layout.agentConfig, `${config}trial-window: 5s\n`);
  demo.signal("the agent", "SIGKILL");
  await until("the agent is back", async () => ((await demo.device("pump"))?.health === "good" ? true : undefined));
  demo.editStationFile(HURRIED);
  const tried = await demo.cli("try", "--keep");
  if (tried.code !== 0) throw new Error(tried.out + tried.err);
  await until("all answer", async () =>
    (await demo.status()).devices.every(({ health }) => health === "good") ? true : undefined,
  );
  return demo;
}

function startEdit(atEnd: AtEnd, demo: Demo, change: (text: string) => string) {
  const folder = temporaryFolder(atEnd);
  const [fresh, editor] = [join(folder, "fresh.yaml"), join(folder, "editor")];
  const text = readFileSync(demo.layout.stationFile, "utf8");
  writeFileSync(fresh, change(text));
  writeFileSync(editor, `#!/bin/sh\ncat ${fresh} > "$1"\n`);
  chmodSync(editor, 0o755);
  const env = { ...process.env, EDITOR: editor, VISUAL: editor, XDG_STATE_HOME: folder };
  const words = ["edit", demo.layout.stationFile, "--yes", "--control", demo.layout.sockets.control];
  return spawn(process.execPath, [PROGRAMS.agent, ...words], { env, stdio: ["ignore", "pipe", "pipe"] });
}

const edited = (atEnd: AtEnd, demo: Demo, change: (text: string) => string): Promise<Ran> =>
  new Promise((resolve) => {
    const child = startEdit(atEnd, demo, change);
    const said = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => void (said.out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (said.err += text));
    child.once("close", (code) => resolve({ code, ...said }));
  });
