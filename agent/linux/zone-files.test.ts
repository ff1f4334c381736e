import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createZoneOffset } from "./zone-files.ts";

test("a zone that the system's database hasn't, or has damaged, is asked elsewhere; no name leads out of the folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "zones-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "zones/Europe"), { recursive: true });
  writeFileSync(join(folder, "zones/Europe/Berlin"), "TZif");
  writeFileSync(join(folder, "outside"), "");
  const asked: string[] = [];
  const offset = createZoneOffset(join(folder, "zones"), (zone) => asked.push(zone));
  for (const zone of ["Europe/Berlin", "Europe/Paris", "../outside", "Europe"]) offset(zone, 0);
  expect(asked).toEqual(["Europe/Berlin", "Europe/Paris", "../outside", "Europe"]);
});
