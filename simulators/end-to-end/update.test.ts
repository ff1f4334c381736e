/** The cloud sends a description to the built agent: over a link that breaks off, worse than before, and too late. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { authority, forServer, makeParty } from "@pump-station/agent/testing/certificates.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { test } from "vitest";
import { type Demo, STATION, startDemo } from "./testing/demo.ts";
import { type AtEnd, PATIENCE_MS, PROGRAMS, runProgram, temporaryFolder, until } from "./testing/programs.ts";

const HURRIED = (text: string) => text.replaceAll(/every: (1|5|10)s/g, "every: 500ms");
const SLOWER = (text: string) => text.replace(/( {2}pump:[\s\S]*?)every: 500ms/, "$1every: 400ms");
/** The pump answers at address 1. */
const DEAF = (text: string) => text.replace("    address: 1\n", "    address: 9\n");
const ON_SITE = (text: string) => text.replace(/( {2}climate:[\s\S]*?)every: 500ms/, "$1every: 600ms");
const YEAR_MS = 365 * 86_400_000;

test("a description from the cloud is resumed, tried and kept; a worse one is taken back, one too late refused", {
  timeout: 3 * PATIENCE_MS,
}, async ({ expect, onTestFinished }) => {
  const files = await fileServer(onTestFinished);
  const demo = await readyDemo(onTestFinished, files.ca);
  const folder = dirname(demo.layout.stationFile);
  const stationText = () => readFileSync(demo.layout.stationFile, "utf8");
  const first = stationText();
  const send = async (change: (text: string) => string, basedOn: string): Promise<string> => {
    const station = join(temporaryFolder(onTestFinished), "station.yaml");
    const archive = join(dirname(station), "lake.tar.gz");
    writeFileSync(station, change(stationText()));
    const words = ["--devices", demo.layout.deviceFolder, "--based-on", basedOn, "--sign", join(folder, "team.key")];
    const packed = await runProgram(PROGRAMS.agent, "pack", station, ...words, "-o", archive, "--url", files.url);
    if (packed.code !== 0) throw new Error(packed.err);
    files.serve(readFileSync(archive));
    const { description } = JSON.parse(packed.out) as { description: JsonObject };
    await desire(demo, description);
    return description["hash"] as string;
  };

  const { hash: old } = (await demo.status()).description;
  files.cutFirst();
  const hash = await send(SLOWER, old ?? "");
  const kept = await untilAnswered(demo, 200);
  expect(kept).toMatchObject({ value: hash, ad: "" });
  expect(files.ranges().slice(0, 2)).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  expect(stationText()).toBe(SLOWER(first));
  expect((await demo.status()).description).toMatchObject({ runs: "file", hash });
  expect((await demo.cli("status")).out).toMatch(/description/);

  await send(DEAF, hash);
  const back = await untilAnswered(demo, 500);
  expect(back).toMatchObject({ value: hash, ad: expect.stringMatching(/^rolled back: pump no longer answers/) });
  expect(stationText()).toBe(SLOWER(first));

  demo.editStationFile(ON_SITE);
  expect((await demo.cli("try", "--keep")).code).toBe(0);
  const { hash: onSite } = (await demo.status()).description;
  const asked = files.ranges().length;
  await send(SLOWER, old ?? "");
  const late = await untilAnswered(demo, 400);
  expect(late).toMatchObject({
    value: onSite,
    ad: expect.stringMatching(/^409: the file was changed on site: .*climate: every .*600/),
  });
  expect(files.ranges()).toHaveLength(asked);
  expect(stationText()).toBe(ON_SITE(SLOWER(first)));
});

/** Serves one file, with ranges and an ETag, as any static server does. */
async function fileServer(atEnd: AtEnd) {
  const [fromMs, toMs] = [Date.now() - YEAR_MS, Date.now() + YEAR_MS];
  const ca = await makeParty({ name: "files CA", fromMs, toMs, extensions: [authority()] });
  const own = await makeParty({ name: "files", issuer: ca, fromMs, toMs, extensions: [forServer("127.0.0.1")] });
  let file: Uint8Array = new Uint8Array();
  let isCut = false;
  const ranges: (string | undefined)[] = [];
  const server = createServer({ key: own.key, cert: own.pem }, ({ headers }, response) => {
    ranges.push(headers.range);
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
    const part = from > 0 ? { "content-range": `bytes ${from}-${file.length - 1}/${file.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, {
      etag: `"${file.length}"`,
      "content-length": file.length - from,
      ...part,
    });
    if (!isCut) return void response.end(file.subarray(from));
    isCut = false;
    response.write(file.subarray(0, file.length / 2), () => setTimeout(() => response.destroy(), 200));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(async () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    ca: ca.pem,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/lake.tar.gz`,
    serve: (bytes: Uint8Array) => void (file = bytes),
    cutFirst: () => void (isCut = true),
    ranges: () => ranges,
  };
}

/** Its devices are read twice a second, a trial lasts seconds, and it trusts a key and that server. */
async function readyDemo(atEnd: AtEnd, ca: string): Promise<Demo> {
  const demo = await startDemo(atEnd);
  const { agentConfig, stationFile, bridge } = demo.layout;
  const folder = dirname(stationFile);
  const made = await runProgram(PROGRAMS.agent, "pack", "--new-key", join(folder, "team.key"));
  if (made.code !== 0) throw new Error(made.err);
  const keys = join(dirname(agentConfig), "trusted-keys");
  mkdirSync(keys);
  writeFileSync(join(keys, "team.pub"), readFileSync(join(folder, "team.key.pub")));
  const both = join(folder, "both-ca.pem");
  writeFileSync(both, `${readFileSync(join(bridge, "ca.pem"), "utf8")}\n${ca}`);
  const config = readFileSync(agentConfig, "utf8").replace(/^ca: .*$/m, `ca: ${JSON.stringify(both)}`);
  writeFileSync(agentConfig, `${config}trial-window: 5s\n`);
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

async function desire(demo: Demo, description: JsonObject): Promise<void> {
  const answer = await fetch(`${demo.url}/api/stations/${STATION}/twin/desired`, {
    method: "PATCH",
    headers: { "content-type": "application/json", authorization: `Bearer ${demo.token}` },
    body: JSON.stringify({ description }),
  });
  if (!answer.ok) throw new Error(`PATCH desired: ${answer.status} ${await answer.text()}`);
}

/** What the station has reported for what is desired now. */
const untilAnswered = (demo: Demo, ac: number): Promise<JsonObject> =>
  until(`the station answers ${ac}`, async () => {
    const { desired, reported } = await demo.twin();
    const answer = reported["description"] as JsonObject | undefined;
    if (answer && answer["av"] === desired["$version"] && answer["ac"] === ac) return answer;
    throw new Error(JSON.stringify(answer));
  });
