import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseConfig } from "./config.ts";
import { createDatabases } from "./linux/sqlite.ts";

/** Made by `npm run build`, which `npm test` runs first. */
const PROGRAM = join(import.meta.dirname, "../dist/agent.mjs");

let folder = "";
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-main-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** An agent without a description or a cloud: neither is needed here. */
function start(control: string) {
  const config = `format: 1\nstation: demo-lake\ndescription: station.yaml\ndata: data\ncloud: mqtts://127.0.0.1:1\ncontrol: ${control}\n`;
  writeFileSync(join(folder, "agent.yaml"), config);
  const child = spawn(process.execPath, [PROGRAM, "run", "--config", join(folder, "agent.yaml")]);
  children.push(child);
  let said = "";
  const waiting = new Map<string, () => void>();
  const hear = (bytes: Buffer) => {
    said += bytes.toString();
    for (const [text, resolve] of waiting) if (said.includes(text)) resolve();
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  return {
    says: (text: string) =>
      new Promise<void>((resolve) => (said.includes(text) ? resolve() : waiting.set(text, resolve))),
    ended: new Promise<number | null>((resolve) => child.once("exit", resolve)),
    stop: () => child.kill("SIGTERM"),
    kill: () => child.kill("SIGKILL"),
  };
}

const epochs = () => createDatabases().open(join(folder, "data/readings.db")).prepare("SELECT epoch FROM epochs").all();

describe("the agent's program", () => {
  it("says what file is missing and how it is made when there is no agent.yaml", () => {
    const path = join(folder, "none.yaml");
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, "run", "--config", path], { encoding: "utf8" });
    expect(status).toBe(78);
    expect(stderr).toContain(`${path}: there is no such file.`);
    // What it says to write is a configuration.
    const text = /<<'YAML'\n([^]*?)\nYAML/.exec(stderr)?.[1] ?? "";
    expect(parseConfig(path, text)).toMatchObject({ station: "my-station" });
  });

  it.each([
    "control.sock",
    "other.sock",
  ])("started twice on one data folder ends (at %s), and leaves the first one's buffer alone", async (control) => {
    const first = start("control.sock");
    await first.says("agent-started");
    const second = start(control);
    await second.says("another agent already runs on it");
    expect(await second.ended).toBe(1);
    first.stop();
    expect(await first.ended).toBe(0);
    // Each process that opens the buffer begins one; while one has it, nobody else can look.
    expect(epochs()).toHaveLength(1);
  });

  it("started after a kill -9 runs: nothing of the dead one is in its way", async () => {
    const killed = start("control.sock");
    await killed.says("agent-started");
    killed.kill();
    await killed.ended;
    const next = start("control.sock");
    await next.says("agent-started");
    next.stop();
    expect(await next.ended).toBe(0);
  });

  it("reads on without a control socket when there is no place for one, and says so", async () => {
    writeFileSync(join(folder, "no-folder"), "");
    const agent = start("no-folder/control.sock");
    await agent.says("control-socket-failed");
    await agent.says("agent-started");
    agent.stop();
    expect(await agent.ended).toBe(0);
  });
});

describe("a command of the agent's program", () => {
  const run = (command: string) => spawn("/bin/bash", ["-c", `set -o pipefail; ${command}`, "bash", PROGRAM]);
  const ended = async (child: ChildProcess) => {
    children.push(child);
    let err = "";
    child.stderr?.on("data", (bytes: Buffer) => {
      err += bytes.toString();
    });
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, err };
  };

  it("whose reader has read enough ends without a word, as a shell's tools do", async () => {
    const reader = `"${process.execPath}" "$1" describe --json-schema device | head -c 10`;
    expect(await ended(run(reader))).toEqual({ code: 141, err: "" });
  });

  it("says in one line that what it prints could not be written", async () => {
    const { code, err } = await ended(run(`"${process.execPath}" "$1" describe --json-schema device > /dev/full`));
    expect(code).toBe(1);
    expect(err).toMatch(/^what was asked for could not be written: ENOSPC[^\n]*\n$/);
  });
});
