import { expect, test } from "vitest";
import { createChronyWord } from "./chrony.ts";

/** As chronyc 4.3 prints it. */
const line = (offS: string, leap: string): string =>
  `C0A80101,192.168.1.1,3,1795359358.826,${offS},-0.000011,0.000093,-7.621,-0.002,0.051,0.0183,0.0012,64.4,${leap}\n`;

/** The answer is there at the second look: a child process takes its time. */
async function wordOf(ask: () => Promise<string>): Promise<boolean> {
  const chrony = createChronyWord(ask);
  expect(chrony.isSet()).toBe(false);
  await new Promise((resolve) => setImmediate(resolve));
  return chrony.isSet();
}

test.each([
  [line("-0.000000324", "Normal"), true],
  [line("0.41", "Insert second"), true],
  [line("-0.000000324", "Not synchronised"), false],
  // Slewing away what it may not step.
  [line("3600.02", "Normal"), false],
  [line("", "Normal"), false],
  // A machine that has only its own clock, and passes that on.
  [line("0.0", "Normal").replace("C0A80101,192.168.1.1", "7F7F0101,"), false],
  ["506 Cannot talk to daemon\n", false],
  ["", false],
])("of %j the clock is set: %s", async (answer, isSet) => {
  expect(await wordOf(async () => answer)).toBe(isSet);
});

test("without chronyc nobody vouches", async () => {
  expect(await wordOf(() => Promise.reject(new Error("spawn chronyc ENOENT")))).toBe(false);
});

test("it is asked once in half a minute, however often one looks", () => {
  let asked = 0;
  const chrony = createChronyWord(async () => `${asked++}`);
  for (let look = 0; look < 100; look++) chrony.isSet();
  expect(asked).toBe(1);
});
