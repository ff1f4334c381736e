import { describe, expect, it } from "vitest";
import { CloudError } from "../cloud/cloud.ts";
import { Secret } from "../world.ts";
import type { Enrolment } from "./enrolment.ts";
import type { KeptIdentity } from "./kept.ts";
import { renewalAtMs } from "./renewal-time.ts";
import {
  createAuthority,
  createBoard,
  DAY_MS,
  fakeKeys,
  memoryDocument,
  newYear,
  STATION,
} from "./testing/identity-bench.ts";

const YEAR_MS = 365 * DAY_MS;
const never = new AbortController().signal;

function standUp(options: { readonly lifeMs?: number; readonly graceMs?: number } = {}) {
  const time = newYear();
  const authority = createAuthority(time, { lifeMs: YEAR_MS, graceMs: 180 * DAY_MS, ...options });
  return { time, authority };
}

async function enrolledBoard(options: Parameters<typeof standUp>[0] = {}) {
  const { time, authority } = standUp(options);
  const document = memoryDocument();
  const board = createBoard(time, authority, { document });
  authority.giveToken("t0k3n");
  board.state.tokenFile = "t0k3n";
  const running = board.run();
  await time.advance(1_000);
  return { time, authority, document, board, running };
}
const serial = (board: ReturnType<typeof createBoard>) => board.identity.status().certificate?.serial;

describe("enrolling", () => {
  it("makes a key, gets a certificate for the token, tries it, and only then removes the token", async () => {
    const { authority, board, document } = await enrolledBoard();
    expect(board.identity.status()).toMatchObject({ by: "certificate", certificate: { name: STATION, serial: "1" } });
    expect(authority.letsIn(board.identity.credentials())).toBe(true);
    expect(board.state.tokenFile).toBeUndefined();
    expect(board.state.changes).toBe(1);
    expect(JSON.parse(document.text)).toMatchObject({ station: STATION, current: { privateKey: "key-1" } });
    expect(document.text).not.toContain("t0k3n");
  });

  it("keeps the token until the certificate has worked, however often the link breaks before", async () => {
    const { time, authority } = standUp();
    authority.giveToken("t0k3n");
    let isCut = true;
    const enrolment: Enrolment = {
      ...authority.enrolment,
      tryOut: (...given) =>
        isCut ? Promise.reject(new CloudError("retry", "cut")) : authority.enrolment.tryOut(...given),
    };
    const board = createBoard(time, authority, { enrolment });
    board.state.tokenFile = "t0k3n";
    void board.run();
    await time.advance(3_600_000);
    expect([board.identity.status().by, board.state.tokenFile]).toEqual(["nothing", "t0k3n"]);
    isCut = false;
    await time.advance(600_000);
    expect([board.identity.status().by, board.state.tokenFile]).toEqual(["certificate", undefined]);
  });

  it("shows the password until there is a certificate, and never again", async () => {
    const { time, authority } = standUp();
    authority.giveToken("t0k3n");
    const board = createBoard(time, authority, { given: { ca: "authority", password: new Secret("p4ss") } });
    expect(board.identity.credentials().password?.reveal()).toBe("p4ss");
    board.state.tokenFile = "t0k3n";
    void board.run();
    await time.advance(1_000);
    expect(board.identity.credentials()).toEqual({
      ca: "authority",
      certificate: expect.any(String) as string,
      privateKey: expect.any(Secret) as Secret,
    });
  });

  it("waits with connecting until there is something to come in with, and asks again while the network is away", async () => {
    const { time, authority } = standUp();
    const board = createBoard(time, authority);
    authority.giveToken("t0k3n");
    authority.faults.isAway = true;
    board.state.tokenFile = "t0k3n";
    void board.run();
    const connected = board.connect();
    await time.advance(3 * 3_600_000);
    expect(board.state.connects).toBe(0);
    expect(board.identity.status()).toMatchObject({ by: "nothing", problem: expect.stringContaining("ETIMEDOUT") });
    authority.faults.isAway = false;
    // Somebody may stand beside it: at most ten minutes.
    await time.advance(600_000);
    await connected;
    expect(serial(board)).toBe("1");
  });

  it("a lost answer costs nothing: the same key asks again, and one certificate was made", async () => {
    const { time, authority } = standUp();
    const keys = fakeKeys();
    const board = createBoard(time, authority, { keys });
    authority.giveToken("t0k3n");
    authority.faults.losesAnswers = true;
    board.state.tokenFile = "t0k3n";
    void board.run();
    await time.advance(3_600_000);
    authority.faults.losesAnswers = false;
    await time.advance(3_600_000);
    expect(serial(board)).toBe("1");
    expect([keys.made, authority.issued]).toEqual([1, 1]);
  });

  it("says that a token is refused, and isn't heard every minute", async () => {
    const { time, authority } = standUp();
    const board = createBoard(time, authority);
    board.state.tokenFile = "wrong";
    void board.run();
    await time.advance(7 * DAY_MS);
    expect(board.identity.status().problem).toContain("pump-station-bridge station token demo-lake");
    expect(authority.asked.length).toBeLessThan(50);
    expect(board.state.tokenFile).toBe("wrong");
  });

  it("a certificate of another station or of another key is not taken", async () => {
    const { time, authority } = standUp();
    const mine = { ...authority.enrolment };
    for (const wrong of [{ name: "pond" }, { key: "key-9" }]) {
      const enrolment = {
        ...mine,
        ask: async (...asked: Parameters<typeof mine.ask>) =>
          JSON.stringify({ ...(JSON.parse(await mine.ask(...asked)) as object), ...wrong }),
      };
      const board = createBoard(time, authority, { enrolment });
      authority.giveToken("t0k3n");
      await expect(board.identity.enrol(new Secret("t0k3n"), { adopt: false }, never)).rejects.toThrow(/is of/);
      expect(board.identity.status().by).toBe("nothing");
    }
  });
});

describe("renewing", () => {
  it("goes on for years without a visit, each time with a new key, between two thirds and the end", async () => {
    const { time, authority, board, document } = await enrolledBoard();
    const keysSeen = new Set<string>();
    for (let day = 0; day < 3 * 365; day++) {
      await time.advance(DAY_MS);
      expect(authority.letsIn(board.identity.credentials()), `day ${day}`).toBe(true);
      keysSeen.add((JSON.parse(document.text) as KeptIdentity).current?.privateKey ?? "");
    }
    // Two thirds and a bit of a year each: at 0.67 to 0.77, 1.3 to 1.5, 2 to 2.3, 2.7 to 3.1 years.
    expect(Number(serial(board))).toBeGreaterThanOrEqual(4);
    expect(Number(serial(board))).toBeLessThanOrEqual(5);
    expect(keysSeen.size).toBe(Number(serial(board)));
    expect(authority.asked.filter((who) => who === "token")).toHaveLength(1);
  });

  it("asks on the connection that stands, without one of its own; where that isn't allowed, as ever", async () => {
    const { time, authority, board } = await enrolledBoard();
    const csrs: string[] = [];
    const answers = { isAllowed: true };
    board.identity.onConnection({
      requestCertificate: async (csr) => {
        csrs.push(csr);
        if (!answers.isAllowed) throw new CloudError("reprovision", "subscribe: refused");
        return new TextEncoder().encode(JSON.stringify({ certificate: authority.issueInPassing(csr) }));
      },
    });
    await time.advance(300 * DAY_MS);
    expect(serial(board)).toBe("2");
    expect([csrs, authority.asked]).toEqual([["csr of key-2"], ["token"]]);
    answers.isAllowed = false;
    await time.advance(300 * DAY_MS);
    expect(serial(board)).toBe("3");
    expect([csrs.at(-1), authority.asked]).toEqual(["csr of key-3", ["token", "2"]]);
  });

  it("is spread over a fleet: by the station's name, within a tenth of the life", () => {
    const facts = { name: "", serial: "", fromMs: 0, untilMs: YEAR_MS };
    const days = Array.from({ length: 500 }, (_, at) => renewalAtMs(facts, `station-${at}`) / DAY_MS);
    expect(Math.min(...days)).toBeGreaterThanOrEqual((365 * 2) / 3);
    expect(Math.max(...days)).toBeLessThanOrEqual((365 * 23) / 30);
    const inThirds = [0, 1, 2].map(
      (third) => days.filter((day) => Math.floor((day / 365 - 2 / 3) * 30) === third).length,
    );
    for (const count of inThirds) expect(count).toBeGreaterThan(100);
  });

  it("a bridge that is away for weeks in the middle of it costs nothing, and is asked every few hours", async () => {
    const { time, authority, board } = await enrolledBoard();
    await time.advance(240 * DAY_MS);
    authority.faults.isAway = true;
    await time.advance(60 * DAY_MS);
    expect(board.identity.status().problem).toContain("ETIMEDOUT");
    expect(authority.letsIn({ ...board.identity.credentials() })).toBe(false);
    authority.faults.isAway = false;
    expect(authority.letsIn(board.identity.credentials())).toBe(true);
    await time.advance(DAY_MS);
    expect(serial(board)).toBe("2");
    expect(board.identity.status().problem).toBeUndefined();
  });

  it("a new certificate that is refused leaves the old one at work; after three refusals another one is asked for", async () => {
    const { time, authority, board } = await enrolledBoard();
    await time.advance(200 * DAY_MS);
    authority.faults.refusesNew = true;
    await time.advance(85 * DAY_MS);
    expect(serial(board)).toBe("1");
    expect(authority.letsIn(board.identity.credentials())).toBe(true);
    expect(authority.issued).toBeGreaterThan(2);
    authority.faults.refusesNew = false;
    await time.advance(DAY_MS);
    expect(Number(serial(board))).toBeGreaterThan(2);
  });

  it("a clock that nobody vouches for is no reason to renew, nor to give up", async () => {
    const { time, authority, board } = await enrolledBoard();
    time.clock.trusted = false;
    time.clock.stepWall(20 * YEAR_MS);
    await time.advance(DAY_MS);
    expect(authority.asked).toEqual(["token"]);
    expect(board.identity.credentials().certificate).toBeDefined();
    time.clock.stepWall(-20 * YEAR_MS);
    time.clock.trusted = true;
    await time.advance(DAY_MS);
    expect(serial(board)).toBe("1");
  });

  it("after a long winter the ended certificate asks for the next one, also while the clock isn't set", async () => {
    const { time, authority, document } = await enrolledBoard();
    time.suspend(500 * DAY_MS);
    time.clock.trusted = false;
    const board = createBoard(time, authority, { document, keys: nextKeys() });
    void board.run();
    await time.advance(60_000);
    await expect(board.connect()).rejects.toMatchObject({ next: "retry-after" });
    await time.advance(60_000);
    expect(serial(board)).toBe("2");
    await expect(board.connect()).resolves.toBeDefined();
  });

  it("a winter that was too long needs a new token, says so, and goes on with it", async () => {
    const { time, authority, document } = await enrolledBoard();
    time.suspend(900 * DAY_MS);
    const board = createBoard(time, authority, { document, keys: nextKeys() });
    void board.run();
    await time.advance(DAY_MS);
    await expect(board.connect()).rejects.toMatchObject({ next: "retry-after" });
    await time.advance(DAY_MS);
    expect(board.identity.status().problem).toMatch(/ended too long ago.*pump-station enrol --token/);
    authority.giveToken("second");
    board.state.tokenFile = "second";
    await time.advance(DAY_MS);
    await expect(board.connect()).resolves.toBeDefined();
  });
});

describe("a power cut", () => {
  /** Ends the process before or after its n-th effect: a save, a question, a trial. */
  const cutAt = (cut: number, isAfter: boolean) => {
    let effects = 0;
    return {
      begin: (): number => {
        effects++;
        if (effects === cut && !isAfter) throw new PowerCut();
        return effects;
      },
      end: (effect: number): void => {
        if (effect === cut && isAfter) throw new PowerCut();
      },
    };
  };
  class PowerCut extends Error {}

  it.each([
    ["before", false],
    ["after", true],
  ] as const)(
    "%s any step of enrolment or renewal leaves a board that comes in and renews",
    async (_, isAfter) => {
      for (let cut = 1; cut <= 10; cut++) {
        const { time, authority } = standUp();
        const { begin, end } = cutAt(cut, isAfter);
        const kept = memoryDocument();
        const document = {
          load: kept.load,
          save: (next: KeptIdentity) => {
            const effect = begin();
            kept.save(next);
            end(effect);
          },
        };
        const guarded = async <T>(act: () => Promise<T>): Promise<T> => {
          const effect = begin();
          const result = await act();
          end(effect);
          return result;
        };
        const { enrolment } = authority;
        authority.giveToken("t0k3n");
        const first = createBoard(time, authority, {
          document,
          enrolment: {
            ...enrolment,
            ask: (...asked) => guarded(() => enrolment.ask(...asked)),
            tryOut: (...tried) => guarded(() => enrolment.tryOut(...tried)),
          },
        });
        first.state.tokenFile = "t0k3n";
        const ended = first.run().catch((error: unknown) => error);
        await time.advance(300 * DAY_MS);
        first.stop();
        expect(await ended).toBeInstanceOf(PowerCut);
        const second = createBoard(time, authority, { document: kept, keys: nextKeys() });
        second.state.tokenFile = first.state.tokenFile;
        void second.run();
        await time.advance(YEAR_MS / 2);
        expect(authority.letsIn(second.identity.credentials()), `cut ${cut}`).toBe(true);
        second.stop();
      }
    },
    60_000,
  );

  it("a disk that can't be written keeps the certificate that works, and no key is used that isn't on it", async () => {
    const { time, authority } = standUp();
    let isFull = false;
    const document = memoryDocument(() => {
      if (isFull) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    });
    const board = createBoard(time, authority, { document });
    authority.giveToken("t0k3n");
    board.state.tokenFile = "t0k3n";
    void board.run();
    await time.advance(1_000);
    isFull = true;
    await time.advance(300 * DAY_MS);
    expect(authority.asked).toEqual(["token"]);
    expect(board.identity.status().problem).toContain("ENOSPC");
    isFull = false;
    await time.advance(DAY_MS);
    expect(serial(board)).toBe("2");
  });
});

describe("being thrown out", () => {
  it("a revoked board says so, keeps trying, and doesn't hammer: hours apart", async () => {
    const { time, authority, board } = await enrolledBoard();
    await board.connect();
    authority.revokeAll();
    let attempts = 0;
    for (const end = time.clock.bootMs() + 30 * DAY_MS; time.clock.bootMs() < end; attempts++) {
      const error = await board.connect().then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error).toMatchObject({ next: "retry-after" });
      await time.advance((error as { afterMs: number }).afterMs);
    }
    expect(attempts).toBeLessThan(30 * 8);
    expect(authority.asked.length).toBeLessThan(30 * 16);
    expect(board.identity.status().problem).toMatch(/revoked, another board has taken its place/);
  });

  it("a refused password is the supervisor's business, as ever", async () => {
    const { time, authority } = standUp();
    const board = createBoard(time, authority, { given: { password: new Secret("p") } });
    await expect(board.connect()).rejects.toMatchObject({ next: "reprovision" });
  });
});

describe("adopting", () => {
  it("a spare takes a station's place; the old board is refused for ever, the spare comes in", async () => {
    const { time, authority, board: old } = await enrolledBoard();
    await old.connect();
    authority.giveToken("spare");
    const spare = createBoard(time, authority, { keys: nextKeys() });
    await spare.identity.enrol(new Secret("spare"), { adopt: true }, never);
    await expect(spare.connect()).resolves.toBeDefined();
    await time.advance(100 * DAY_MS);
    await expect(old.connect()).rejects.toMatchObject({ next: "retry-after" });
  });

  it("what a spare was before is kept until it is another, and then gone", async () => {
    const { time, authority } = standUp();
    const document = memoryDocument();
    const before = { privateKey: "k", certificate: JSON.stringify({ name: "spare-1", serial: "77" }), cloud: "c" };
    document.save({ station: "spare-1", current: before });
    const spare = () => createBoard(time, authority, { document, keys: nextKeys() });
    expect(spare().identity.status().problem).toContain("identity of spare-1");
    expect(spare().identity.credentials()).toEqual({});
    await expect(spare().identity.enrol(new Secret("x"), { adopt: false }, never)).rejects.toThrow(
      "pump-station adopt demo-lake",
    );
    await expect(spare().identity.enrol(new Secret("mistyped"), { adopt: true }, never)).rejects.toThrow(/token/);
    const asBefore = createBoard(time, authority, { document, station: "spare-1" });
    expect(asBefore.identity.credentials().certificate).toBe(before.certificate);
    authority.giveToken("right");
    await spare().identity.enrol(new Secret("right"), { adopt: true }, never);
    expect(document.text).not.toContain("spare-1");
    expect(spare().identity.status()).toMatchObject({ by: "certificate" });
  });
});

it("no secret is in the log or the status", async () => {
  const { time, board, authority } = await enrolledBoard();
  await time.advance(300 * DAY_MS);
  authority.revokeAll();
  await expect(board.connect()).rejects.toThrow();
  await time.advance(DAY_MS);
  const said = JSON.stringify([board.state.log, board.identity.status()]);
  expect(board.state.log.length).toBeGreaterThan(2);
  for (const secret of ["t0k3n", "key-1", "key-2"]) expect(said).not.toContain(secret);
});

/** Of a board that was started again: its keys are others. */
function nextKeys() {
  const keys = fakeKeys();
  return {
    ...keys,
    make: async (name: string) => {
      const { privateKey, csr } = await keys.make(name);
      return { privateKey: new Secret(`${privateKey.reveal()}-again`), csr: `${csr}-again` };
    },
  };
}
