/**
 * OpenSSL judges by this machine's clock, which a test can't set: so "1970" is a certificate that begins next year, and
 * the time that has certainly passed lies behind its beginning.
 */
import type { Socket } from "node:net";
import { createServer, type Server } from "node:tls";
import { Aedes } from "aedes";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { authority, type CertificateWish, forServer, makeParty, type Party } from "../../testing/certificates.ts";
import { Secret } from "../../world.ts";
import { createMqttClients } from "./mqtt.ts";

const DAY = 86_400_000;
const NEXT_YEAR = Date.now() + 365 * DAY;
/** "Today", to a station whose clock shows a time long before. */
const TODAY = NEXT_YEAR + 100 * DAY;
const STILL_TO_COME = { fromMs: NEXT_YEAR, toMs: NEXT_YEAR + 365 * DAY };
const never = new AbortController().signal;

let ca: Party;
let nowCa: Party;
beforeAll(async () => {
  ca = await makeParty({ name: "ca", ...STILL_TO_COME, extensions: [authority(0)] });
  nowCa = await makeParty({ name: "now", fromMs: Date.now() - DAY, toMs: NEXT_YEAR, extensions: [authority(0)] });
});
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const certificate = (wish: Partial<CertificateWish> = {}) =>
  makeParty({ name: "bridge", ...STILL_TO_COME, issuer: ca, extensions: [forServer("127.0.0.1")], ...wish });

/** Notes every byte that is said over TLS. */
async function listen(
  party: Party,
  onSocket: (socket: Socket) => void = () => undefined,
  others: readonly Party[] = [],
) {
  const chain = [party, ...others].map(({ pem }) => pem).join("");
  const server: Server = createServer({ cert: chain, key: party.key });
  const sockets = new Set<Socket>();
  let said = 0;
  let handshakes = 0;
  server.on("secureConnection", (socket) => {
    handshakes++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.prependListener("data", (bytes: Buffer) => {
      said += bytes.length;
    });
    onSocket(socket);
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    said: () => said,
    handshakes: () => handshakes,
    allClosed: () => [...sockets].every((socket) => socket.destroyed),
  };
}

interface Trial {
  readonly ca?: string;
  readonly passedMs?: number | undefined;
  readonly host?: string;
  readonly log?: (level: string, event: string) => void;
}

const attempt = (port: number, { host = "127.0.0.1", log, ...trial }: Trial = {}) =>
  createMqttClients(log ? { log } : {}).connect(
    {
      url: `mqtts://${host}:${port}`,
      clientId: "lake",
      username: "lake",
      password: new Secret("the password"),
      ca: trial.ca ?? ca.pem,
      keepAliveS: 60,
      connectTimeoutMs: 5_000,
      ...("passedMs" in trial && trial.passedMs === undefined ? {} : { notBeforeMs: trial.passedMs ?? TODAY }),
    },
    never,
  );

async function refused(party: Party, trial: Trial, expected: RegExp, others: readonly Party[] = []): Promise<void> {
  const server = await listen(party, undefined, others);
  await expect(attempt(server.port, trial)).rejects.toThrow(expected);
  await vi.waitFor(() => expect(server.allClosed()).toBe(true));
  expect(server.said()).toBe(0);
}

describe("a station whose clock isn't set", () => {
  it("accepts a certificate that is only not yet valid by its clock, says so, and speaks MQTT over it", async () => {
    const aedes = await Aedes.createBroker();
    const passwords: (string | undefined)[] = [];
    aedes.authenticate = (_client, _user, password, done) => {
      passwords.push(password?.toString());
      done(null, true);
    };
    cleanups.push(() => new Promise((resolve) => aedes.close(() => resolve())));
    const server = await listen(await certificate(), (socket) => aedes.handle(socket));
    const log = vi.fn();
    const connection = await attempt(server.port, { log });
    await connection.publish("a", new Uint8Array([1]), { deadlineMs: 5_000 });
    await connection.close();
    expect(passwords).toEqual(["the password"]);
    expect(log).toHaveBeenCalledWith("warn", "tls-clock-not-set", expect.anything());
  });

  it("accepts one below an intermediate authority that is sent along", async () => {
    const root = await makeParty({ name: "root", ...STILL_TO_COME, extensions: [authority()] });
    const middle = await makeParty({ name: "middle", ...STILL_TO_COME, issuer: root, extensions: [authority(0)] });
    const heard = vi.fn();
    const server = await listen(await certificate({ issuer: middle }), (socket) => socket.on("data", heard), [middle]);
    const waiting = attempt(server.port, { ca: root.pem }).catch(() => undefined);
    await vi.waitFor(() => expect(heard).toHaveBeenCalled());
    for (const cleanup of cleanups.splice(0)) await cleanup();
    await waiting;
  });

  it("says nothing to a server of another authority, also when that one's certificate isn't valid yet either", async () => {
    await refused(await certificate(), { ca: nowCa.pem }, /no path|UNABLE_TO|SELF_SIGNED/);
    const other = await makeParty({ name: "ca", ...STILL_TO_COME, extensions: [authority(0)] });
    await refused(await certificate({ issuer: other }), {}, /no path|UNABLE_TO|SIGNATURE/);
    await refused(await certificate({ issuer: other }), {}, /no path|UNABLE_TO|SIGNATURE|SELF_SIGNED/, [other]);
  });

  it("says nothing to a server of another name", async () => {
    await refused(await certificate({ extensions: [forServer("bridge.example")] }), {}, /does not match|IP address/i);
    await refused(await certificate(), { host: "localhost" }, /does not match/);
    // Valid by the system's clock, so that Node itself has looked.
    const dates = { fromMs: Date.now() - DAY, toMs: NEXT_YEAR, issuer: nowCa };
    const trial = { ca: nowCa.pem, passedMs: Date.now() };
    await refused(
      await certificate({ ...dates, extensions: [forServer("bridge.example")] }),
      trial,
      /IP|match|ALTNAME/,
    );
  });

  it("says nothing under a certificate that has expired by the time that has certainly passed", async () => {
    await refused(await certificate(), { passedMs: STILL_TO_COME.toMs + DAY }, /expired/);
    // By the system's clock it is valid; the station knows better.
    const dates = { fromMs: Date.now() - DAY, toMs: Date.now() + DAY, issuer: nowCa };
    await refused(await certificate(dates), { ca: nowCa.pem, passedMs: Date.now() + 2 * DAY }, /expired/);
  });

  it("says nothing under a certificate that OpenSSL calls expired", async () => {
    const dates = { fromMs: Date.now() - 9 * DAY, toMs: Date.now() - DAY, issuer: nowCa };
    await refused(await certificate(dates), { ca: nowCa.pem, passedMs: Date.now() - 2 * DAY }, /CERT_HAS_EXPIRED/);
  });

  it("gives up on a server that never answers, and on one that hangs up", async () => {
    const clients = createMqttClients();
    const { createServer: createTcp } = await import("node:net");
    for (const onSocket of [() => undefined, (socket: Socket) => void socket.destroy()]) {
      const server = createTcp(onSocket);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      const url = `mqtts://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
      const options = { url, clientId: "lake", keepAliveS: 60, connectTimeoutMs: 300, notBeforeMs: TODAY };
      await expect(clients.connect(options, never)).rejects.toThrow(/no TLS within|closed|ECONNRESET|disconnected/);
      server.close();
    }
  });
});

describe("a station whose clock is set", () => {
  it("overrides nothing: not yet valid and expired are refused before a byte leaves", async () => {
    const clocked = { passedMs: undefined };
    await refused(await certificate(), clocked, /not yet valid/i);
    const expired = { fromMs: Date.now() - 9 * DAY, toMs: Date.now() - DAY, issuer: nowCa };
    await refused(await certificate(expired), { ...clocked, ca: nowCa.pem }, /expired/i);
  });
});
