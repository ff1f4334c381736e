/** Boards that ask with what a whole series has: a claim certificate. */
import { expect, it } from "vitest";
import { Secret } from "../world.ts";
import type { Proof } from "./enrolment.ts";
import { createAuthority, createBoard, DAY_MS, memoryDocument, newYear, STATION } from "./testing/identity-bench.ts";

const YEAR_MS = 365 * DAY_MS;
const CLAIM = { certificate: JSON.stringify({ name: "series", serial: "claim" }), privateKey: new Secret("k") };
const never = new AbortController().signal;

function standUp() {
  const time = newYear();
  const authority = createAuthority(time, { lifeMs: YEAR_MS, graceMs: 0 });
  authority.claims.add(CLAIM.certificate);
  return { time, authority, board: createBoard(time, authority, { claim: CLAIM }) };
}

it("a new board enrols by its claim without anybody at the keyboard, or by `enrol` without a token", async () => {
  for (const isTyped of [false, true]) {
    const { time, authority, board } = standUp();
    if (isTyped) await board.identity.enrol(undefined, { adopt: false }, never);
    else void board.run();
    await time.advance(1_000);
    expect(authority.asked).toEqual(["claim"]);
    expect(board.identity.status()).toMatchObject({ by: "certificate", certificate: { name: STATION } });
    board.stop();
  }
});

it("the next certificate is asked for with the one that it has, and with the claim where that is refused", async () => {
  const { time, authority, board } = standUp();
  void board.run();
  await time.advance(300 * DAY_MS);
  expect(authority.asked).toEqual(["claim", "1"]);
  const { ask } = authority.enrolment;
  Object.assign(authority.enrolment, {
    ask: (proof: Proof, ...rest: [Parameters<typeof ask>[1], AbortSignal]) => {
      const isOwn = "certificate" in proof && proof.certificate !== CLAIM.certificate;
      return ask(isOwn ? { token: new Secret("not allowed") } : proof, ...rest);
    },
  });
  await time.advance(YEAR_MS);
  expect(authority.asked.slice(2, 4)).toEqual(["token", "claim"]);
  expect(board.identity.status().certificate?.serial).toBe("3");
  board.stop();
});

it("a board that was thrown out doesn't come back by its claim by itself; one that has ended does, or who is told to", async () => {
  const { time, authority, board } = standUp();
  void board.run();
  await time.advance(1_000);
  authority.revokeAll();
  await expect(board.connect()).rejects.toMatchObject({ next: "retry-after" });
  await time.advance(300 * DAY_MS);
  expect(authority.asked.filter((who) => who === "claim")).toHaveLength(1);
  board.stop();
  await board.identity.enrol(undefined, { adopt: false }, never);
  expect(authority.letsIn(board.identity.credentials())).toBe(true);

  const ended = standUp();
  void ended.board.run();
  await ended.time.advance(1_000);
  ended.time.suspend(2 * YEAR_MS);
  await ended.time.advance(DAY_MS);
  expect(ended.authority.letsIn(ended.board.identity.credentials())).toBe(true);
  ended.board.stop();
});

it("without token and claim there is nothing to enrol with, and it says where a token comes from", async () => {
  const { time, authority } = standUp();
  const board = createBoard(time, authority, { document: memoryDocument() });
  await expect(board.identity.enrol(undefined, { adopt: false }, never)).rejects.toThrow(
    /--token TOKEN.*pump-station-bridge station token demo-lake/,
  );
});
