import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dtdlFrom } from "@pump-station/sensor-descriptions/documents/dtdl.ts";
import { expect, it } from "vitest";
import { commandsMarkdown, stationDtdlCommands } from "./document.ts";

it("docs/commands.md has the table's sections, word for word", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/commands.md"), "utf8");
  expect(text.slice(text.indexOf("## Of the station")).trim()).toBe(`## Of the station\n\n${commandsMarkdown()}`);
});

it("the model for clouds has the station's commands with their arguments", () => {
  const station = { name: "demo-lake", label: "Demo", timeZone: "UTC", ports: new Map(), devices: [], hash: "" };
  const contents =
    dtdlFrom(station, {
      ...{ settings: [], components: [], deviceSettings: () => [], ownKeys: new Set() },
      commands: stationDtdlCommands(),
    })[0]?.contents ?? [];
  expect(contents).toContainEqual(
    expect.objectContaining({
      "@type": "Command",
      name: "on_site",
      displayName: "on-site",
      request: {
        name: "arguments",
        nullable: true,
        schema: {
          "@type": "Object",
          fields: [
            { name: "for", displayName: "for", schema: "string" },
            { name: "end", displayName: "end", schema: "boolean" },
          ],
        },
      },
    }),
  );
  expect(contents.find(({ name }) => name === "upload_now")).not.toHaveProperty("request");
});
