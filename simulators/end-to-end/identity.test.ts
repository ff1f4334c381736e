/** A board from its first day to its last, with the programs as they are built: enrol, renew, be replaced, be revoked. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectControl } from "@pump-station/agent/linux/control-socket.ts";
import type { AgentStatus } from "@pump-station/agent/status.ts";
import type { StationSummary } from "@pump-station/cloud-bridge/api/contract.ts";
import { describe, test } from "vitest";
import {
  type AtEnd,
  PATIENCE_MS,
  PROGRAMS,
  type Program,
  runProgram,
  startProgram,
  temporaryFolder,
  until,
} from "./testing/programs.ts";

const untilTrue = (what: string, look: () => Promise<boolean>): Promise<true> =>
  until(what, async () => (await look()) || undefined);

const start = (atEnd: AtEnd, program: string, ...args: readonly string[]): Program => {
  const started = startProgram(program, args);
  atEnd(async () => {
    started.child.kill("SIGTERM");
    await started.ended;
  });
  return started;
};

async function startBridge(atEnd: AtEnd, ...more: readonly string[]) {
  const data = temporaryFolder(atEnd);
  const ports = ["--mqtt-port", "0", "--http-port", "0"];
  const program = start(atEnd, PROGRAMS.bridge, "run", "--data", data, ...ports, ...more);
  const ready = await until("the bridge is ready", async () => {
    const text = readFileSync(join(data, "ready.json"), "utf8");
    return JSON.parse(text) as { mqttPort: number; httpPort: number };
  });
  const station = async (...words: readonly string[]) => {
    const { code, out, err } = await runProgram(PROGRAMS.bridge, "station", ...words, "--data", data);
    if (code !== 0) throw new Error(err);
    return out;
  };
  return {
    data,
    program,
    station,
    url: `mqtts://localhost:${ready.mqttPort}`,
    tokenOf: async (...words: readonly string[]) => (JSON.parse(await station(...words)) as { token: string }).token,
    has: async (name: string): Promise<boolean> => {
      const token = readFileSync(join(data, "token"), "utf8").trim();
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`http://127.0.0.1:${ready.httpPort}/api/stations/lake/files`, { headers });
      return ((await response.json()) as { name: string }[]).some((file) => file.name === name);
    },
    summary: async (): Promise<StationSummary> => {
      const response = await fetch(`http://127.0.0.1:${ready.httpPort}/api/stations/lake`);
      return (await response.json()) as StationSummary;
    },
  };
}

/** Its one device is on no port of this machine: what counts is which file runs. */
const STATION_FILE = `format: 1
station: lake
label: with the old pump
ports:
  line: { serial: /dev/there-is-none }
devices:
  pump: { type: pump-mk2, port: line }
`;

type Bridge = Awaited<ReturnType<typeof startBridge>>;

/** A folder with an agent.yaml, as on a board without sensors. */
function makeBoard(atEnd: AtEnd, bridge: Bridge, extra: readonly string[] = []) {
  const folder = temporaryFolder(atEnd);
  const config = join(folder, "agent.yaml");
  const control = join(folder, "control.sock");
  writeFileSync(join(folder, "ca.pem"), readFileSync(join(bridge.data, "ca.pem")));
  const lines = [
    ...["format: 1", "station: lake", "description: station.yaml", "data: data", `cloud: ${bridge.url}`, "ca: ca.pem"],
    ...["trust-clock: always", "upload-interval: 1s", `control: ${control}`, ...extra],
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const status = async (): Promise<AgentStatus> => {
    const client = await connectControl(control);
    return (await client.ask("status").finally(() => client.close())) as AgentStatus;
  };
  return {
    folder,
    config,
    status,
    run: () => start(atEnd, PROGRAMS.agent, "run", "--config", config),
    cli: (...words: readonly string[]) => runProgram(PROGRAMS.agent, ...words, "--config", config),
    isConnected: () => untilTrue("the agent is connected", async () => (await status()).uplink.connected),
  };
}

describe.concurrent("a station's identity", { timeout: 2 * PATIENCE_MS }, () => {
  test("a board enrols with a token file, comes in by its certificate, is revoked, says so and reads on", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const bridge = await startBridge(atEnd);
    const token = await bridge.tokenOf("add", "lake", "--token");
    const board = makeBoard(atEnd, bridge, ["enrolment-token-file: enrolment-token"]);
    writeFileSync(join(board.folder, "enrolment-token"), `${token}\n`, { mode: 0o600 });
    const agent = board.run();
    await board.isConnected();
    expect(await board.status()).toMatchObject({ identity: { by: "certificate", certificate: { name: "lake" } } });
    expect(await bridge.summary()).toMatchObject({ online: true, identity: { by: "certificate", tokenUntil: null } });
    expect(() => statSync(join(board.folder, "enrolment-token"))).toThrow(/ENOENT/);
    const kept = join(board.folder, "data/state/identity.json");
    expect(statSync(kept).mode & 0o777).toBe(0o600);

    await bridge.station("revoke", "lake");
    await untilTrue("the board knows it", async () => /revoked/.test((await board.status()).identity?.problem ?? ""));
    expect((await bridge.summary()).online).toBe(false);
    expect(agent.child.exitCode).toBeNull();
    const said = `${agent.said()}${bridge.program.said()}`;
    const privateKey = /BEGIN PRIVATE KEY-----\\n([\w+/]+)/.exec(readFileSync(kept, "utf8"))?.[1] ?? "none";
    expect(privateKey).toMatch(/^[\w+/]{64}$/);
    for (const secret of [token, privateKey, "PRIVATE KEY"]) expect(said).not.toContain(secret);
  });

  test("a spare adopts a station by one command, and the old board is out at once", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const bridge = await startBridge(atEnd);
    const old = makeBoard(atEnd, bridge);
    const first = await old.cli("enrol", "--token", await bridge.tokenOf("add", "lake", "--token"));
    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^lake: enrolled with mqtts:.*until \d{4}-/) });
    writeFileSync(join(old.folder, "station.yaml"), STATION_FILE);
    old.run();
    await old.isConnected();
    const { hash } = (await old.status()).description;
    await untilTrue("its description is handed over", () => bridge.has(`description-${hash?.slice(0, 16)}.tar.gz`));
    const running = await old.cli("enrol", "--token", "x");
    expect(running).toMatchObject({ code: 1, err: expect.stringContaining("stop it first: sudo systemctl stop") });

    const token = await bridge.tokenOf("token", "lake");
    const spare = makeBoard(atEnd, bridge);
    const other = await spare.cli("adopt", "pond", "--token", token);
    expect(other.err).toContain('Change that line to "station: pond"');
    expect((await spare.cli("enrol", "--token", token)).err).toContain("another board is lake");
    expect((await spare.cli("adopt", "lake", "--token", "mistyped")).err).toContain("the token is refused");
    const adopted = await spare.cli("adopt", "lake", "--token", token);
    expect(adopted).toMatchObject({ code: 0, out: expect.stringContaining(`as it ran before: ${hash}`) });
    expect((await spare.cli("adopt", "lake")).out).toContain("lies here already");
    spare.run();
    await spare.isConnected();
    await untilTrue("the old board knows it", async () =>
      /another board has taken its place/.test((await old.status()).identity?.problem ?? ""),
    );
    expect((await spare.status()).description).toMatchObject({ runs: "file", hash });
    expect((await old.status()).buffer.epoch).not.toBe((await spare.status()).buffer.epoch);
  });

  test("certificates of a quarter of a minute: the station renews again and again and is never away for long", async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const bridge = await startBridge(atEnd, "--certificate-life", "15s", "--renewal-grace", "15s");
    const board = makeBoard(atEnd, bridge);
    expect((await board.cli("enrol", "--token", await bridge.tokenOf("add", "lake", "--token"))).code).toBe(0);
    board.run();
    await board.isConnected();
    const serials = new Set<string>();
    await untilTrue("it has renewed twice", async () => {
      serials.add((await board.status()).identity?.certificate?.serial ?? "");
      return serials.size >= 3;
    });
    await board.isConnected();
  });
});
