import { expect, it } from "vitest";
import { type Answer, STATION, silent, stationFile, trialBench } from "../going-live/testing/trial-bench.ts";
import { createScriptedDesk } from "../testing/scripted-desk.ts";
import { commandsFor, runCli } from "./cli.ts";
import type { CliDeps } from "./command.ts";

const COMMANDS = await commandsFor([]);
const ONE = stationFile({ one: "" });
const MOVED = stationFile({ one: "address: 7" });
const BROKEN = ONE.replace("type: valve", "type: vale");
const atAddress1: Answer = (device) => (device.address === 1 ? undefined : silent);
const DRAFT = "/home/anna/draft/station.yaml";

/** `edits`: what the editor saves, one after the other; `answers`: what the person types. */
async function beside(
  options: {
    edits?: readonly string[];
    answers?: readonly string[];
    agent?: "runs" | "away" | "denied";
    columns?: number;
  } = {},
) {
  const bench = trialBench();
  const { files, time, goingLive, field } = bench;
  bench.save(ONE);
  field.answer = atAddress1;
  await goingLive.start();
  await time.advance(60_000);
  const said = { out: "", err: "", asked: [] as string[] };
  const desk = createScriptedDesk(files, {
    edits: options.edits ?? [],
    answers: options.answers ?? [],
    draft: DRAFT,
    columns: options.columns,
    asked: said.asked,
  });
  const handlers: Record<string, (parameters: Readonly<Record<string, unknown>>) => unknown> = {
    trial: () => goingLive.trial(),
    running: () => goingLive.running(),
    try: ({ keep }) => goingLive.tryNow({ keep: keep === true }),
    keep: () => goingLive.decide("kept"),
    "roll-back": () => goingLive.decide("rolled-back"),
  };
  const line = { isCut: false };
  const deps: CliDeps = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    colour: false,
    files,
    timers: time.timers,
    machine: () => {
      throw new Error("edit needs no port");
    },
    catalogue: ["/devices"],
    starting: "/starting",
    version: "1",
    desk: () => desk,
    run: async () => 0,
    enrol: async () => 0,
    connectControl: async () => {
      if (options.agent === "denied") throw Object.assign(new Error("denied"), { code: "EACCES" });
      if (options.agent === "away" || line.isCut) throw Object.assign(new Error("none"), { code: "ENOENT" });
      return { ask: async (ask, parameters = {}) => handlers[ask]?.(parameters), close: () => {} };
    },
  };
  const run = (...words: string[]) => {
    const ended: { code?: number } = {};
    void runCli(deps, words, COMMANDS).then((code) => (ended.code = code));
    return ended;
  };
  return { ...bench, said, desk, run, line, text: () => new TextDecoder().decode(files.read(STATION)) };
}

it("says where the edited text is when it can't be installed", async () => {
  const { run, time, said, text, desk } = await beside({ edits: [stationFile({ one: "every: 5s" })], answers: ["y"] });
  desk.install = () => {
    throw new Error("ENOSPC: no space left on device, write");
  };
  const before = text();
  const ended = run("edit");
  await time.advance(1_000);
  expect(ended.code).toBe(1);
  expect(said.err).toContain(
    `install /etc/station.yaml: ENOSPC: no space left on device, write\nThe edited text is at ${DRAFT}`,
  );
  expect(text()).toBe(before);
});

it("says in words what changes, installs, counts down and says that it is kept", async () => {
  const { run, time, said, text } = await beside({
    edits: [stationFile({ one: "every: 5s" })],
    answers: ["y"],
    columns: 80,
  });
  const ended = run("edit");
  await time.advance(20_000);
  expect(said.out).toContain("Changes against what runs:\n  one: every 10s → 5s");
  expect(text()).toContain("every: 5s");
  expect(ended.code).toBeUndefined();
  expect(said.out).toMatch(/\r\u001b\[Kabout \d+ s left: one 4 of 10 good/);
  await time.advance(120_000);
  expect(ended.code).toBe(0);
  expect(said.out).toContain("Kept: /etc/station.yaml runs.");
});

it("says why it was rolled back and where the text is, with exit code 1", async () => {
  const { run, time, said, files, goingLive } = await beside({ edits: [MOVED], answers: ["y"] });
  const ended = run("edit");
  await time.advance(130_000);
  expect(ended.code).toBe(1);
  expect(said.out).toContain(
    "Rolled back: what ran before /etc/station.yaml runs again.\n  one no longer answers (timeout 10 of 10)\n  the rejected text is at /data/rejected/station-",
  );
  expect(goingLive.status().runs).toBe("last good");
  expect(files.contents.has(DRAFT)).toBe(false);
});

it("installs nothing that is broken: code frame, then edit again or discard", async () => {
  const { run, time, said, text, desk } = await beside({
    edits: [BROKEN, BROKEN, ONE.replace("lake", "lake # mended")],
    answers: ["x", "e", "e", "y"],
  });
  run("edit");
  await time.advance(10_000);
  expect(said.out).toMatch(/\/etc\/station\.yaml:8:\d+ error [\s\S]*8 \| {5}type: vale\n[\s\S]*\^/);
  expect(said.asked.filter((question) => question.includes("1 problem; nothing was installed"))).toHaveLength(3);
  expect(desk.edited).toBe(3);
  expect(text()).toContain("lake # mended");
  expect(said.out).toContain("Nothing changes against what runs but comments, notes or order.");
});

it.each([
  ["discarded", ["d"], false],
  ["by a person who has gone: the draft stays", [], true],
])("a broken text is %s", async (_, answers, stays) => {
  const { run, time, said, text, files } = await beside({ edits: [BROKEN], answers });
  const ended = run("edit");
  await time.advance(10);
  expect(ended.code).toBe(stays ? 78 : 1);
  expect(text()).toBe(ONE);
  expect(files.contents.has(DRAFT)).toBe(stays);
  if (stays) expect(said.err).toContain(`The edited text is at ${DRAFT}; go on with: pump-station edit`);
});

it("goes on with what a lost connection left, or starts anew and keeps it aside", async () => {
  const { run, time, said, desk, files, text } = await beside({ edits: ["same", "same"], answers: ["n"] });
  files.write(DRAFT, MOVED);
  run("edit");
  await time.advance(10);
  expect(said.asked[0]).toContain("An earlier edit of /etc/station.yaml was not finished.");
  expect(new TextDecoder().decode(files.read(`${DRAFT}.before`))).toBe(MOVED);
  expect(said.out).toContain("nothing was changed");

  files.write(DRAFT, stationFile({ one: "every: 5s" }));
  desk.answers.push("c", "y");
  run("edit");
  await time.advance(10);
  expect(text()).toContain("every: 5s");
});

it("a terminal that is lost during the trial doesn't end it", async () => {
  const { run, time, goingLive, line } = await beside({ edits: [MOVED], answers: ["y"] });
  run("edit");
  await time.advance(10_000);
  line.isCut = true;
  await time.advance(200_000);
  expect(goingLive.status().problems[0]).toContain("was rolled back");
});

it("an agent that is gone for a while during the trial is waited for", async () => {
  const { run, time, said, line } = await beside({ edits: [MOVED], answers: ["y"] });
  const ended = run("edit");
  await time.advance(10_000);
  line.isCut = true;
  await time.advance(30_000);
  line.isCut = false;
  await time.advance(100_000);
  expect(said.out).toContain("the agent does not answer; waiting for it");
  expect(ended.code).toBe(1);
  expect(said.out).toContain("no longer answers (timeout");
});

it.each([
  ["away", "Nothing was tried", "no agent runs here"],
  ["denied", "The agent that runs here tries it by itself", "permission denied; join the group pump-station: sudo"],
] as const)("with an agent that is %s it checks, installs, and says who tries it", async (agent, who, why) => {
  const { run, time, said, text } = await beside({ edits: [MOVED], agent });
  const ended = run("edit", STATION, "--yes");
  await time.advance(10);
  expect(ended.code).toBe(0);
  expect(text()).toBe(MOVED);
  expect(said.out).toContain("one: address 1 → 7");
  expect(said.out).toContain(who);
  expect(said.out).toContain(why);
});

it("--keep keeps it whatever comes; --json says everything as objects", async () => {
  const { run, time, said, goingLive } = await beside({ edits: [MOVED] });
  const ended = run("edit", "--yes", "--keep", "--json");
  await time.advance(2_000);
  expect(ended.code).toBe(0);
  const events = said.out
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { event: string }).event);
  expect(events).toEqual(["changes", "installed", "verdict"]);
  expect(goingLive.status()).toMatchObject({ runs: "file", verdict: { outcome: "kept" } });
});

it("--yes --json prints one object per change and the verdict", async () => {
  const { run, time, said } = await beside({ edits: [MOVED] });
  const ended = run("edit", "--yes", "--json");
  await time.advance(130_000);
  expect(ended.code).toBe(1);
  const events = said.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { event: string });
  expect(events.filter(({ event }) => event === "trial").length).toBeGreaterThanOrEqual(10);
  expect(events.at(-1)).toMatchObject({
    event: "verdict",
    outcome: "rolled-back",
    because: [expect.stringContaining("timeout")],
  });
});

it("two editors at once: the second is told who the first is", async () => {
  const { run, time, said, desk } = await beside();
  desk.heldBy = "bert, process 12, since 10:14 UTC";
  const ended = run("edit");
  await time.advance(10);
  expect(ended.code).toBe(1);
  expect(said.err).toBe("edit /etc/station.yaml: it is being edited by bert, process 12, since 10:14 UTC\n");
});

it("a file that somebody else changed meanwhile isn't overwritten unasked", async () => {
  const { run, time, desk, text, files } = await beside({ edits: [MOVED], answers: ["y", "k"] });
  desk.whileEditing = () => files.write(STATION, ONE.replace("lake", "lake # theirs"));
  const ended = run("edit");
  await time.advance(10);
  expect(ended.code).toBe(1);
  expect(text()).toContain("# theirs");
  expect(files.contents.has(DRAFT)).toBe(true);
});

it("a device file is checked with the station that uses it, and tried", async () => {
  const bench = await beside({ answers: ["y"] });
  const { run, time, said, desk, files, goingLive } = bench;
  desk.edits.push(new TextDecoder().decode(files.read("/devices/valve.yaml")).replaceAll("0 to 100", "0 to 120"));
  const ended = run("edit", "/devices/valve.yaml");
  await time.advance(10_000);
  expect(said.out).toContain("device file valve.yaml: changed");
  expect(goingLive.status().trial).toBeDefined();
  await time.advance(120_000);
  expect(ended.code).toBe(0);
});

it("try, keep and roll-back without an editor", async () => {
  const { run, time, said, save, goingLive } = await beside();
  save(MOVED);
  await time.advance(130_000);
  expect(goingLive.status().runs).toBe("last good");
  const tried = run("try");
  await time.advance(3_000);
  expect(goingLive.status().trial).toBeDefined();
  const kept = run("keep");
  await time.advance(3_000);
  expect([tried.code, kept.code]).toEqual([0, 0]);
  expect(said.out).toContain("Kept: /etc/station.yaml runs. (asked to keep it)");
  const again = run("roll-back");
  await time.advance(10);
  expect(again.code).toBe(1);
  expect(said.err).toContain("no description is on trial");
  const forPrograms = run("keep", "--json");
  await time.advance(10);
  expect(forPrograms.code).toBe(1);
  expect(said.out.trim().split("\n").at(-1)).toBe('{"event":"no-trial","problem":"no description is on trial"}');
});

it("an editor that fails installs nothing", async () => {
  const { run, time, said, desk, text } = await beside({ edits: [MOVED] });
  desk.exitCode = 1;
  const ended = run("edit");
  await time.advance(10);
  expect(ended.code).toBe(1);
  expect(text()).toBe(ONE);
  expect(said.err).toContain("The editor ended with 1: nothing was installed.");
});
