/**
 * What the command line asks a running agent. One JSON object a line over a Unix socket:
 *
 *   → {"id": 1, "ask": "status"}           ← {"id": 1, "answer": {…}} | {"id": 1, "error": "…"}
 *
 * Asks: status, read {device?, channel?}, explain {device}, send, ports; of descriptions: running, trial, try {keep?},
 * keep, roll-back; of what passes over a port: tap {port}, tapped {tap}, untap {tap};
 * of commands: onsite {for?, end?}, audit, diagnostics (base64). The socket's mode (0660) is the permission.
 */
import { CONTROL_LINE_BYTES_MAX } from "../limits.ts";
import type { Log } from "../world.ts";

export type ControlHandler = (parameters: Readonly<Record<string, unknown>>) => unknown;

/** Answers one request line with one line. Never throws: what goes wrong is an answer too. */
export function createControl(deps: {
  readonly log: Log;
  readonly handlers: Readonly<Record<string, ControlHandler>>;
}) {
  return async (line: string): Promise<string> => {
    const request = parseRequest(line);
    if ("error" in request) return JSON.stringify({ id: null, error: request.error });
    const handler = Object.hasOwn(deps.handlers, request.ask) ? deps.handlers[request.ask] : undefined;
    if (!handler)
      return JSON.stringify({
        id: request.id,
        error: `unknown ask "${request.ask}"; known: ${Object.keys(deps.handlers).join(", ")}`,
      });
    try {
      return JSON.stringify({ id: request.id, answer: (await handler(request.parameters)) ?? null });
    } catch (error) {
      deps.log("warn", "control-failed", { ask: request.ask, error: String(error) });
      return JSON.stringify({ id: request.id, error: error instanceof Error ? error.message : String(error) });
    }
  };
}

type Request =
  | { readonly id: number | string; readonly ask: string; readonly parameters: Record<string, unknown> }
  | { readonly error: string };

function parseRequest(line: string): Request {
  if (line.length > CONTROL_LINE_BYTES_MAX) return { error: `a request is at most ${CONTROL_LINE_BYTES_MAX} bytes` };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { error: "a request is one JSON object a line" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { error: "a request is a JSON object" };
  const { id, ask, ...parameters } = value as Record<string, unknown>;
  if (typeof ask !== "string") return { error: 'a request has a text "ask"' };
  return { id: typeof id === "number" || typeof id === "string" ? id : 0, ask, parameters };
}
