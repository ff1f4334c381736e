/** Commands through the built programs: API → bridge → MQTT → agent → hardware, and back; on-site mode on the way. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { AlarmEntry, FileEntry, JournalEntry } from "@pump-station/cloud-bridge/api/contract.ts";
import { expect, onTestFinished, test } from "vitest";
import { type Demo, STATION, startDemo } from "./testing/demo.ts";
import { PATIENCE_MS, until } from "./testing/programs.ts";

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body?: unknown;
}

test("a station answers what its pump reads now, moves nothing while somebody is on site, and sends its diagnostics", {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  const demo = await startDemo(onTestFinished);
  await until("the pump answers", async () => ((await demo.device("pump"))?.health === "good" ? true : undefined));
  const url = `${demo.url}/api/stations/${STATION}`;
  const headers = { authorization: `Bearer ${demo.token}` };
  const ask = async (what: object): Promise<Answer> => {
    const body = JSON.stringify({ by: "anna", ...what });
    const type = { "content-type": "application/json" };
    const response = await fetch(`${url}/command`, { method: "POST", headers: { ...headers, ...type }, body });
    return (await response.json()) as Answer;
  };

  const read = await ask({ command: "read-now", arguments: { device: "pump", channel: "pressure" } });
  expect(read).toMatchObject({ status: 200, body: { values: [{ device: "pump", unit: "mbar", quality: "good" }] } });
  const [{ at }] = (read.body as { values: [{ at: number }] }).values;
  expect(Math.abs(Date.now() - at)).toBeLessThan(15_000);

  expect(await demo.cli("onsite", "30min")).toMatchObject({
    code: 0,
    out: expect.stringContaining("ON SITE for 30 min"),
  });
  expect(await ask({ device: "pump", command: "stop" })).toMatchObject({
    status: 409,
    text: expect.stringMatching(/^on-site until \d\d:\d\d/),
  });
  const begun = await journalOf(demo, "on-site");
  expect(begun).toMatchObject({ active: true, because: expect.stringContaining("by here") });
  await until("the twin says so", async () => ((await demo.twin()).reported["on-site"] ? true : undefined));
  expect(await demo.cli("onsite", "end")).toMatchObject({ out: expect.stringContaining("nobody is on site") });
  expect((await ask({ device: "pump", command: "stop" })).status).not.toBe(409);
  expect((await journalOf(demo, "command")).because).toMatch(/^pump stop, asked by anna /);
  expect((await demo.get<AlarmEntry[]>(`/api/stations/${STATION}/alarms`)).map(({ device }) => device)).not.toContain(
    "_station",
  );

  const sent = await ask({ command: "diagnostics" });
  const { id, sha256 } = sent.body as { id: string; sha256: string };
  await until("the file is whole", async () => {
    const files = (await (await fetch(`${url}/files`, { headers })).json()) as FileEntry[];
    return files.find((file) => file.id === id);
  });
  const file = new Uint8Array(await (await fetch(`${url}/files/${id}`, { headers })).arrayBuffer());
  expect(createHash("sha256").update(file).digest("hex")).toBe(sha256);
  const tar = gunzipSync(file).toString("latin1");
  expect(tar).toContain("agent-started");
  expect(tar).toContain("machine.json");

  const here = join(demo.root, "diagnostics.tar.gz");
  expect(await demo.cli("diagnostics", "-o", here)).toMatchObject({ code: 0 });
  expect(gunzipSync(readFileSync(here)).toString("latin1")).toContain("audit.json");
  const audit = await demo.cli("audit");
  expect(audit.out).toMatch(/diagnostics +by anna +200/);
});

const journalOf = (demo: Demo, what: string): Promise<JournalEntry> =>
  until(`the journal tells of ${what}`, async () =>
    (await demo.get<JournalEntry[]>(`/api/stations/${STATION}/journal`)).find((entry) => entry.what === what),
  );
