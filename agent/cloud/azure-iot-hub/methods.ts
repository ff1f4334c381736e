/**
 * Direct methods ↔ commands: `pump*stop` is a component's command of IoT Plug and Play, a bare name the station's own.
 * The payload is an object of arguments, or nothing; in it `id` (for who repeats a call) and `expiresMs` are ours.
 */
import { isObject, type Json, type JsonObject } from "../../wire/twin-document.ts";
import type { HubMethodCall } from "../../world.ts";

export interface MethodCommand {
  readonly id?: string;
  /** {device?, command, arguments?, expiresMs?} as wire/topics.ts has it; checked by who takes it. */
  readonly call: JsonObject;
}

const COMMAND_ID = /^[A-Za-z0-9_-]{1,64}$/;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A text: why it is no command. */
export function commandOf({ method, payload }: HubMethodCall): MethodCommand | string {
  const names = method.split("*").map((name) => name.replaceAll("_", "-"));
  if (names.length > 2)
    return `no such method ${method.slice(0, 100)}; write device*command, or a command of the station`;
  const given = objectFrom(payload);
  if (given === undefined) return "the payload is no JSON object; give the command's arguments as one, or nothing";
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

/** The hub sends nothing, or null, for a call without a payload. */
function objectFrom(payload: Uint8Array): JsonObject | undefined {
  if (payload.length === 0) return {};
  try {
    const value = JSON.parse(utf8.decode(payload)) as Json;
    return value === null ? {} : isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
