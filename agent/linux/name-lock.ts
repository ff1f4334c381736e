/** A lock by name among all users of a machine, which the kernel gives back at any death, and whose holder can be asked. */
import { connect, createServer } from "node:net";

/** Longest the holder may take to say who it is. */
const ANSWER_MS = 1_000;

/** A socket in Linux's abstract name space (unix(7)): no file, no permissions, nothing to be left over. */
export async function lockName(
  name: string,
  holder: string,
): Promise<{ readonly release: () => void } | { readonly by: string }> {
  const address = `\0${name}`;
  const since = new Date(Date.now()).toISOString().slice(11, 16);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(`${holder}, since ${since} UTC`);
  });
  const isTaken = await new Promise<boolean>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(true) : reject(error),
    );
    server.listen(address, () => resolve(false));
  });
  if (isTaken) return { by: await holderOf(address) };
  server.unref();
  return { release: () => void server.close() };
}

const holderOf = (address: string): Promise<string> =>
  new Promise((resolve) => {
    let said = "";
    const socket = connect(address);
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(0, 200);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(said || "somebody else"));
  });
