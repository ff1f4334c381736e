/** The other end of the control socket, as the command line sees it. */
export interface ControlClient {
  /** Throws Error with the agent's words. */
  ask(ask: string, parameters?: Readonly<Record<string, unknown>>): Promise<unknown>;
  close(): void;
}

/** Asks one thing; says what to do when no agent listens. */
export async function askAgent(
  connect: (path: string) => Promise<ControlClient>,
  path: string,
  ask: string,
  parameters?: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const client = await openControl(connect, path);
  try {
    return await client.ask(ask, parameters);
  } finally {
    client.close();
  }
}

export async function openControl(
  connect: (path: string) => Promise<ControlClient>,
  path: string,
): Promise<ControlClient> {
  try {
    return await connect(path);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === "EACCES")
      throw new Error(
        `control socket ${path}: permission denied; join the group pump-station: sudo usermod -aG pump-station "$USER", then log in again`,
        { cause: error },
      );
    if (code === "ENOENT" || code === "ECONNREFUSED") {
      throw new Error(`control socket ${path}: no agent runs here; start it with: systemctl start pump-station`, {
        cause: error,
      });
    }
    throw error;
  }
}
