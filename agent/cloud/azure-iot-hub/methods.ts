/**
 * Direct methods ↔ commands: `pump*stop` is a component's command of IoT Plug and Play, a bare name the station's own.
 * The payload is an object of arguments, or nothing; in it `id` (for who repeats a call) and `expiresMs` are ours.
 */
import type { JsonObject } from "../../wire/twin-document.ts";
import type { HubMethodCall } from "../../world.ts";
import { objectFrom, PayloadError } from "../payloads.ts";

export interface MethodCommand {
  readonly id?: string;
  /** {device?, command, arguments?, expiresMs?} as wire/topics.ts has it; checked by who takes it. */
  readonly call: JsonObject;
}

const COMMAND_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** A text: why it is no command. */
export function commandOf({ method, payload }: HubMethodCall): MethodCommand | string {
  const names = method.split("*").map((name) => name.replaceAll("_", "-"));
  // A name whose percent-encoding is broken comes as it is.
  if (names.length > 2 || names.includes("") || method.includes("%"))
    return `no such method ${method.slice(0, 100)}; write device*command, or a command of the station`;
  const given = argumentsFrom(payload);
  if (typeof given === "string")
    return `the payload is no JSON object that can be taken (${given}); give the command's arguments as one, or nothing`;
  const { id, expiresMs, ...others } = given;
  if (id !== undefined && (typeof id !== "string" || !COMMAND_ID.test(id)))
    return "id: letters, digits, - and _, at most 64";
  const [command, device] = names.toReversed();
  return {
    ...(id !== undefined && { id }),
    call: {
      ...(device !== undefined && { device }),
      command: command ?? "",
      ...(Object.keys(others).length > 0 && { arguments: others }),
      ...(expiresMs !== undefined && { expiresMs }),
    },
  };
}

/** The hub sends nothing, or null, for a call without a payload. A text: why it can't be read. */
function argumentsFrom(payload: Uint8Array): JsonObject | string {
  if (payload.length === 0 || Buffer.from(payload).toString("latin1").trim() === "null") return {};
  try {
    return objectFrom(payload);
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return error.message;
  }
}
