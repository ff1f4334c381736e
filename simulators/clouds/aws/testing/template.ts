/** The template that our guide tells to make, as docs/aws-iot-core.md has it. */
import { readFileSync } from "node:fs";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";

const GUIDE = new URL("../../../../docs/aws-iot-core.md", import.meta.url);

export function guidesTemplate(): JsonObject {
  const [, text = "{}"] = /```json\n(\{\n {2}"Parameters"[\s\S]*?)\n```/.exec(readFileSync(GUIDE, "utf8")) ?? [];
  return JSON.parse(text) as JsonObject;
}
