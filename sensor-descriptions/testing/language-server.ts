/** yaml-language-server as an editor runs it: LSP 3.17 over stdio, one document at a time. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface Diagnostic {
  readonly message: string;
  readonly range: { readonly start: { readonly line: number } };
}

export interface Editor {
  /** Resolves with the diagnostics that the server publishes for this text. */
  open(uri: string, text: string): Promise<readonly Diagnostic[]>;
  /** Labels of what is offered at a place, both counted from 0. */
  complete(uri: string, line: number, character: number): Promise<readonly string[]>;
  hover(uri: string, line: number, character: number): Promise<string>;
  close(): void;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

/** `schemas`: file URI of a schema → glob of the files that it is for. */
export async function startEditor(schemas: Readonly<Record<string, string>>): Promise<Editor> {
  const main = createRequire(import.meta.url).resolve("yaml-language-server");
  const program = join(dirname(main), "../../../bin/yaml-language-server");
  const server = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = new Map<number, (result: unknown) => void>();
  const published = new Map<string, (diagnostics: readonly Diagnostic[]) => void>();
  let next = 1;
  const send = (message: object): void => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  const request = (method: string, params: object): Promise<unknown> =>
    new Promise((resolve) => {
      const id = next++;
      waiting.set(id, resolve);
      send({ id, method, params });
    });
  const yaml = { schemas, validate: true, completion: true, hover: true, schemaStore: { enable: false } };
  onMessages(server.stdout, (message) => {
    if (message.method === "workspace/configuration") {
      const { items } = message.params as { items: readonly { section?: string }[] };
      send({ id: message.id, result: items.map(({ section }) => (section === "yaml" ? yaml : {})) });
    } else if (message.method === "textDocument/publishDiagnostics") {
      const { uri, diagnostics } = message.params as { uri: string; diagnostics: readonly Diagnostic[] };
      published.get(uri)?.(diagnostics);
    } else if (message.method !== undefined && message.id !== undefined) send({ id: message.id, result: null });
    else if (message.id !== undefined) waiting.get(message.id)?.(message.result);
  });
  await request("initialize", {
    processId: process.pid,
    rootUri: null,
    capabilities: {
      workspace: { configuration: true },
      textDocument: { hover: { contentFormat: ["plaintext"] }, completion: {}, publishDiagnostics: {} },
    },
  });
  send({ method: "initialized", params: {} });
  send({ method: "workspace/didChangeConfiguration", params: { settings: { yaml } } });
  const at = (uri: string, line: number, character: number) => ({
    textDocument: { uri },
    position: { line, character },
  });
  return {
    open: (uri, text) =>
      new Promise((resolve) => {
        published.set(uri, resolve);
        send({
          method: "textDocument/didOpen",
          params: { textDocument: { uri, languageId: "yaml", version: 1, text } },
        });
      }),
    complete: async (uri, line, character) => {
      const result = (await request("textDocument/completion", at(uri, line, character))) as {
        items: readonly { label: string }[];
      } | null;
      return (result?.items ?? []).map(({ label }) => label);
    },
    hover: async (uri, line, character) => {
      const result = (await request("textDocument/hover", at(uri, line, character))) as {
        contents: { value: string };
      } | null;
      return result?.contents.value ?? "";
    },
    close: () => void server.kill(),
  };
}

/** Messages stand one after the other, each behind a header that says its length. */
function onMessages(stream: NodeJS.ReadableStream, take: (message: Message) => void): void {
  let pending = Buffer.alloc(0);
  stream.on("data", (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    for (;;) {
      const end = pending.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/.exec(pending.subarray(0, Math.max(0, end)).toString())?.[1]);
      if (end < 0 || pending.length < end + 4 + length) return;
      take(JSON.parse(pending.subarray(end + 4, end + 4 + length).toString()) as Message);
      pending = pending.subarray(end + 4 + length);
    }
  });
}
