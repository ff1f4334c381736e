import { createServer } from "node:net";

/** The preferred TCP port on loopback, or another one that nobody has at this moment. */
export async function freePort(preferred: number): Promise<number> {
  return (await listened(preferred)) ?? (await listened(0)) ?? preferred;
}

const listened = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
