/** `pump-station send`: upload what waits now. */
import { askAgent } from "../control/client.ts";
import type { CliDeps } from "./cli.ts";
import { spokenBytes } from "./table.ts";

export async function send(
  deps: CliDeps,
  options: { readonly control: string; readonly json: boolean },
): Promise<number> {
  const sent = (await askAgent(deps.connectControl, options.control, "send")) as { messages: number; bytes: number };
  deps.out(options.json ? `${JSON.stringify(sent)}\n` : `sent ${sent.messages} messages, ${spokenBytes(sent.bytes)}\n`);
  return 0;
}
