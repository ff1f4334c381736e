import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readSecret } from "./credential-files.ts";

const folder = mkdtempSync(join(tmpdir(), "pump-station-credentials-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a secret is taken from a file that only its owner may read, without its line end", () => {
  const path = join(folder, "password");
  writeFileSync(path, "open sesame\n", { mode: 0o600 });
  expect(readSecret("password", folder).reveal()).toBe("open sesame");
  chmodSync(path, 0o640);
  expect(() => readSecret("password", folder)).toThrow(`others may read this secret; run: chmod 600 ${path}`);
});

test("a secret that is nowhere is said with both places where it was looked for", () => {
  expect(() => readSecret("key", folder)).toThrow(
    `key: neither a credential of the unit (LoadCredential=) nor a file ${join(folder, "key")}`,
  );
});
