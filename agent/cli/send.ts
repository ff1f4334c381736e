/** `pump-station send`: upload what waits now. */
import { askAgent } from "../control/client.ts";
import { type AddCommand, type CliDeps, SOCKET } from "./command.ts";
import { spokenBytes } from "./table.ts";

export const addSend: AddCommand = (program, deps, finish) => {
  program
    .command("send")
    .description("upload what waits now")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .action((options: { control: string; json?: boolean }) =>
      finish(send(deps, { control: options.control, json: options.json ?? false })),
    );
};

export async function send(
  deps: CliDeps,
  options: { readonly control: string; readonly json: boolean },
): Promise<number> {
  const sent = (await askAgent(deps.connectControl, options.control, "send")) as { messages: number; bytes: number };
  deps.out(
    options.json
      ? `${JSON.stringify(sent)}\n`
      : `sent ${sent.messages} ${sent.messages === 1 ? "message" : "messages"}, ${spokenBytes(sent.bytes)}\n`,
  );
  return 0;
}
