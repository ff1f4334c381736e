import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { I2C_DEADLINE_MS } from "../../limits.ts";
import { createSimulatedTime } from "../../testing/simulated-time.ts";
import { createSimulatedPorts } from "./simulated-ports.ts";
import { SIMULATOR_LINE_BYTES_MAX } from "./simulator-link.ts";

let folder: string;
let path: string;
let server: Server | undefined;
let sockets: Socket[] = [];
let lines: string[] = [];

/** A simulator that notes each line and answers with what `answer` gives (portions of text, as they are). */
async function listen(answer: (request: { id: number }) => string[]): Promise<void> {
  const made = createServer((socket) => {
    sockets.push(socket);
    let rest = "";
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      rest += bytes.toString();
      for (const line of rest.split("\n").slice(0, -1)) {
        lines.push(line);
        for (const portion of answer(JSON.parse(line) as { id: number })) socket.write(portion);
      }
      rest = rest.slice(rest.lastIndexOf("\n") + 1);
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(path, resolve));
}

const hangUp = async (): Promise<void> => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = undefined;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "simulated-"));
  path = join(folder, "socket");
  lines = [];
});
afterEach(async () => {
  await hangUp();
  rmSync(folder, { recursive: true });
});

function createBench() {
  const time = createSimulatedTime();
  const events: string[] = [];
  const log = (_: string, event: string) => void events.push(event);
  return { time, events, ...createSimulatedPorts({ clock: time.clock, timers: time.timers, log }, path) };
}

const json = (message: object) => [`${JSON.stringify(message)}\n`];
const options = { edge: "falling", debounceMs: 50 } as const;

describe("a simulated I2C bus", () => {
  it("speaks exactly the lines of the format", async () => {
    await listen(({ id }) => json({ id, bytes: "65a8f07e9c006b2d" }));
    const bus = await createBench().i2c.open("mast");
    const read = await bus.transfer(118, Uint8Array.of(0xf7), 8);
    expect(read).toEqual(Uint8Array.of(0x65, 0xa8, 0xf0, 0x7e, 0x9c, 0x00, 0x6b, 0x2d));
    expect(lines).toEqual(['{"id":1,"bus":"mast","transfer":{"address":118,"write":"f7","read":8}}']);
    await bus.close();
  });

  it("matches answers by id, in any order and any portions", async () => {
    let held = "";
    await listen(({ id }) => {
      held = `${JSON.stringify({ id, bytes: `0${id}` })}\n${held}`;
      return id === 3 ? [held.slice(0, 7), held.slice(7)] : [];
    });
    const bus = await createBench().i2c.open("mast");
    const reads = await Promise.all([1, 2, 3].map(() => bus.transfer(1, Uint8Array.of(), 1)));
    expect(reads.map((bytes) => bytes[0])).toEqual([1, 2, 3]);
    await bus.close();
  });

  it.each(["nack", "stuck", "absent"])("passes the error %s on", async (error) => {
    await listen(({ id }) => json({ id, error }));
    const bus = await createBench().i2c.open("mast");
    await expect(bus.transfer(118, Uint8Array.of(), 1)).rejects.toMatchObject({ failure: error });
    await bus.close();
  });

  it("doesn't wait for ever, nor take an answer of another length", async () => {
    await listen(({ id }) => (id === 1 ? [] : json({ id, bytes: "00" })));
    const { i2c, time } = createBench();
    const bus = await i2c.open("mast");
    const silent = bus.transfer(118, Uint8Array.of(), 1).catch((error: unknown) => error);
    await time.advance(I2C_DEADLINE_MS);
    expect(await silent).toMatchObject({ failure: "stuck" });
    await expect(bus.transfer(118, Uint8Array.of(), 2)).rejects.toMatchObject({
      message: expect.stringMatching(/1 bytes instead of 2/),
    });
    await bus.close();
  });

  it("is absent while nobody listens, and while the connection is gone", async () => {
    const { i2c } = createBench();
    await expect(i2c.open("mast")).rejects.toMatchObject({ failure: "absent" });
    await listen(() => []);
    const bus = await i2c.open("mast");
    const lost = bus.transfer(118, Uint8Array.of(), 1).catch((error: unknown) => error);
    await expect.poll(() => lines.length).toBe(1);
    await hangUp();
    expect(await lost).toMatchObject({ failure: "absent" });
    await expect(bus.transfer(118, Uint8Array.of(), 1)).rejects.toMatchObject({ failure: "absent" });
    await bus.close();
  });

  it("comes back by itself", async () => {
    await listen(({ id }) => json({ id, bytes: "2a" }));
    const { i2c, time } = createBench();
    const bus = await i2c.open("mast");
    await hangUp();
    await listen(({ id }) => json({ id, bytes: "2a" }));
    await expect
      .poll(async () => {
        await time.advance(100);
        return bus.transfer(118, Uint8Array.of(), 1).catch(() => undefined);
      })
      .toEqual(Uint8Array.of(42));
    await bus.close();
  });

  it("lets go of the connection with its last user, and of the retries", async () => {
    await listen(() => []);
    const { i2c, time } = createBench();
    const one = await i2c.open("mast");
    const two = await i2c.open("mast");
    await expect.poll(() => sockets.length).toBe(1);
    const ended = new Promise((resolve) => sockets[0]!.on("close", resolve));
    await one.close();
    expect(sockets[0]!.destroyed).toBe(false);
    await two.close();
    await ended;
    await time.advance(0);
    expect(time.waiting).toBe(0);
  });

  it("works for who opens it right after its last user has closed it", async () => {
    await listen(({ id }) => json({ id, bytes: "2a" }));
    const { i2c } = createBench();
    for (let round = 0; round < 3; round++) {
      const bus = await i2c.open("mast");
      expect(await bus.transfer(118, Uint8Array.of(), 1)).toEqual(Uint8Array.of(42));
      await bus.close();
    }
  });

  it("survives lines that mean nothing, and ends a connection that never ends a line", async () => {
    await listen(({ id }) => [
      "hello\n",
      "null\n",
      "[]\n",
      '{"edge":7}\n',
      '{"id":"1"}\n',
      ...json({ id: 99 }),
      ...json({ id, bytes: "2a" }),
    ]);
    const { i2c, events } = createBench();
    const bus = await i2c.open("mast");
    expect(await bus.transfer(118, Uint8Array.of(), 1)).toEqual(Uint8Array.of(42));
    expect(events.filter((event) => event === "simulator-line-unreadable")).toHaveLength(5);
    sockets[0]!.write("x".repeat(SIMULATOR_LINE_BYTES_MAX + 1));
    await expect.poll(() => events).toContain("simulator-away");
    await bus.close();
  });
});

describe("simulated pulses", () => {
  const edge = (ms?: number) => json({ edge: { chip: "pins", pin: 17, ...(ms === undefined ? {} : { ms }) } })[0]!;

  it("speak exactly the lines of the format, and are debounced by the simulator's time", async () => {
    await listen(({ id }) => json({ id, ok: true }));
    const counter = await createBench().gpio.countPulses("pins", 17, options, () => {});
    expect(lines).toEqual(['{"id":1,"chip":"pins","watch":{"pin":17,"edge":"falling"}}']);
    // Sent in one go: by the time of arrival only the first would count.
    sockets[0]!.write([1_000, 1_010, 1_060, 2_000].map((ms) => edge(ms)).join(""));
    await expect.poll(() => counter.count()).toBe(3);
    await counter.close();
  });

  it("count by the time of arrival when the simulator gives none", async () => {
    await listen(({ id }) => json({ id, ok: true }));
    const { gpio, time } = createBench();
    let told = 0;
    const counter = await gpio.countPulses("pins", 17, options, () => told++);
    sockets[0]!.write(edge());
    await expect.poll(() => told).toBe(1);
    await time.advance(60);
    sockets[0]!.write(edge());
    await expect.poll(() => counter.count()).toBe(2);
    await counter.close();
  });

  it("are watched again after the connection came back; meanwhile they are absent, not zero", async () => {
    await listen(({ id }) => json({ id, ok: true }));
    const { gpio, time, events } = createBench();
    const counter = await gpio.countPulses("pins", 17, options, () => {});
    sockets[0]!.write(edge(1_000));
    await expect.poll(() => counter.count()).toBe(1);
    await hangUp();
    await expect.poll(() => events).toContain("simulator-away");
    expect(() => counter.count()).toThrow(/away/);
    await listen(({ id }) => json({ id, ok: true }));
    await expect.poll(async () => (await time.advance(100), lines.length)).toBe(2);
    // A restarted simulator's time begins anew.
    sockets[0]!.write(edge(5));
    await expect.poll(() => counter.count()).toBe(2);
    await counter.close();
  });

  it("on a pin that the simulator hasn't are absent, and hold no connection", async () => {
    await listen(({ id }) => json({ id, error: "absent" }));
    const { gpio, time } = createBench();
    await expect(gpio.countPulses("pins", 3, options, () => {})).rejects.toMatchObject({ failure: "absent" });
    await expect.poll(() => sockets[0]!.destroyed).toBe(true);
    expect(time.waiting).toBe(0);
  });
});

describe("a simulated pin that is read or driven", () => {
  it("speaks exactly the lines of the format", async () => {
    await listen(({ id }) => json(id === 3 || id === 5 ? { id, level: 1 } : { id, ok: true }));
    const { gpio } = createBench();
    let edges = 0;
    const watch = await gpio.watchLevel("pins", "DOOR", { active: "low" }, () => edges++);
    const line = await gpio.drive("pins", 5, { active: "low", safe: 0 }, () => {});
    expect(await watch.level()).toBe(0);
    await line.set(1);
    expect(await line.level()).toBe(0);
    expect(lines).toEqual([
      '{"id":1,"chip":"pins","watch":{"pin":"DOOR","edge":"both"}}',
      '{"id":2,"chip":"pins","drive":{"pin":5,"level":1}}',
      '{"id":3,"chip":"pins","level":{"pin":"DOOR"}}',
      '{"id":4,"chip":"pins","drive":{"pin":5,"level":0}}',
      '{"id":5,"chip":"pins","level":{"pin":5}}',
    ]);
    for (const socket of sockets) socket.write(json({ edge: { chip: "pins", pin: "DOOR", ms: 1 } }).join(""));
    await vi.waitFor(() => expect(edges).toBe(1));
    await watch.close();
    await line.close();
  });

  it("is lost, once, when the simulator goes away, and refused when somebody else has it", async () => {
    await listen(({ id }) => json(id === 1 ? { id, ok: true } : { id, error: "busy" }));
    const { gpio } = createBench();
    const lost: string[] = [];
    const options = { active: "high", safe: 0 } as const;
    await gpio.drive("pins", 5, options, (why) => lost.push(why));
    await expect(gpio.drive("pins", 5, options, () => {})).rejects.toMatchObject({ failure: "busy" });
    await hangUp();
    await vi.waitFor(() => expect(lost).toEqual(["drive pin 5 of pins: the simulator went away"]));
  });
});
