/** The table of known settings as documents want it: Markdown for people. Pure. */
import { DEVICE_SETTINGS, LIVE_EVERY, OBJECT_SETTINGS, UPLOAD_SETTINGS } from "./known-settings.ts";
import { spokenShape } from "./setting-shape.ts";

type Row = readonly [where: string, name: string, value: string, what: string, file: string];

const HEAD: Row = ["where", "name", "value", "what it does", "default"];

/** For docs/cloud-settings.md: each setting with its range and where its default stands. */
export function settingsMarkdown(): string {
  const { live, description } = OBJECT_SETTINGS;
  const rows: readonly Row[] = [
    [
      "`devices: { pump: …`",
      "each of its `settings:`",
      "in its unit, a state by its name",
      "as its device file says",
      "stays as the device has it",
    ],
    ...DEVICE_SETTINGS.map(({ name, values, describe, file }): Row => ["", `\`${name}\``, values, describe, file]),
    ...UPLOAD_SETTINGS.map(
      (one, at): Row => [
        at === 0 ? "`upload: …`" : "",
        `\`${one.name}\`${one.isOnTrial ? " *" : ""}`,
        spokenShape(one.shape),
        one.describe,
        one.file,
      ],
    ),
    [
      "`live: …`",
      "`every`, `until`",
      `${spokenShape(LIVE_EVERY)}; ms since 1970 or ISO 8601`,
      live.describe,
      live.file,
    ],
    [
      "`description: …`",
      description.fields.map(({ name }) => `\`${name}\``).join(", "),
      "[updating.md](updating.md)",
      description.describe,
      description.file,
    ],
  ];
  return [HEAD, HEAD.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
