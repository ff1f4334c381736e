import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSecret, readText } from "./credential-files.ts";

let folder = "";
const credentials = process.env["CREDENTIALS_DIRECTORY"];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "credentials-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  if (credentials === undefined) delete process.env["CREDENTIALS_DIRECTORY"];
  else process.env["CREDENTIALS_DIRECTORY"] = credentials;
});

function write(name: string, text: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("a secret", () => {
  it.each([
    0o644, 0o640, 0o604, 0o660, 0o601,
  ])("isn't taken from a file of mode %o, which is said with what to do", (mode) => {
    const path = write("key", "s3cret\n", mode);
    expect(() => readSecret("key", folder)).toThrow(`others may read this secret; run: chmod 600 ${path}`);
  });

  it("is taken from a file that only its owner may read, beside agent.yaml or wherever it is said to be", () => {
    const path = write("key", "s3cret\n", 0o600);
    expect(readSecret("key", folder).reveal()).toBe("s3cret");
    expect(readSecret(path, "/elsewhere").reveal()).toBe("s3cret");
    chmodSync(path, 0o400);
    expect(readSecret("key", folder).reveal()).toBe("s3cret");
  });

  it("is systemd's credential of that name before any file, with whatever mode systemd gives it", () => {
    write("key", "of the file", 0o600);
    process.env["CREDENTIALS_DIRECTORY"] = join(folder, "given");
    expect(readSecret("key", folder).reveal()).toBe("of the file");
    mkdirSync(join(folder, "given"));
    write("given/key", "of systemd", 0o440);
    expect(readSecret("key", folder).reveal()).toBe("of systemd");
  });

  it("that is nowhere is said with both places where it was looked for; a text that is no secret may be read by everybody", () => {
    expect(() => readSecret("none", folder)).toThrow(
      `none: neither a credential of the unit (LoadCredential=) nor a file ${join(folder, "none")}`,
    );
    write("ca.pem", "authority\n", 0o644);
    expect(readText("ca.pem", folder)).toBe("authority\n");
  });
});
