/** What the demonstration answers to a recording that it can't read, from outside. The rest: `end-to-end/`. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../dist/simulators.mjs", import.meta.url));
const WITHIN_MS = 180_000;
const folders: string[] = [];

beforeAll(() => {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing; run: npm run build`);
});
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "ps-chain-"));
  folders.push(path);
  return path;
}

const demo = (...args: string[]): Promise<{ code: number | null; said: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [PROGRAM, "demo", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => (said += bytes.toString()));
    child.on("close", (code) => resolve({ code, said }));
  });

test("a recording that can't be read is a usage error that names the line", { timeout: WITHIN_MS }, async () => {
  const data = folder();
  writeFileSync(join(data, "recorded.csv"), "time;level\nnoon;3\n");
  const { code, said } = await demo("--replay", join(data, "recorded.csv"), "--data", data);
  expect(said).toContain('line 2: "noon" is no time');
  expect(code).toBe(64);
});
