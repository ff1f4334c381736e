import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parseConfig } from "../config.ts";
import { createCredentialFiles } from "./credentials.ts";

function folderWith(password: string) {
  const folder = mkdtempSync(join(tmpdir(), "credentials-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const write = (text: string) => writeFileSync(join(folder, "password"), text, { mode: 0o600 });
  write(password);
  return { folder, write };
}
const config = parseConfig(
  "agent.yaml",
  `format: 1
station: lake
description: station.yaml
data: data
cloud: mqtts://bridge.example
password-file: password
`,
);

it("a password that was mended counts the next time it is asked for, without a restart", () => {
  const { folder, write } = folderWith("wrong");
  const credentials = createCredentialFiles(config, folder);
  expect(credentials().password?.reveal()).toBe("wrong");
  write("right");
  expect(credentials().password?.reveal()).toBe("right");
});

it("a file that can't be read any more, or by everybody, leaves what was known", () => {
  const { folder, write } = folderWith("right");
  const credentials = createCredentialFiles(config, folder);
  write("shown to all");
  chmodSync(join(folder, "password"), 0o644);
  expect(credentials().password?.reveal()).toBe("right");
  rmSync(join(folder, "password"));
  expect(credentials().password?.reveal()).toBe("right");
  expect(() => createCredentialFiles(config, folder)).toThrow(/password/);
});
