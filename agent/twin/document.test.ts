import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { settingsMarkdown } from "./document.ts";

it("docs/cloud-settings.md has the table of settings, word for word", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/cloud-settings.md"), "utf8");
  const table = text.split("\n").filter((line) => line.startsWith("|"));
  expect(table.join("\n")).toBe(settingsMarkdown());
});
