import { PortError, type PortFailure } from "../../world.ts";

const FAILURES: Readonly<Record<string, PortFailure>> = { EBUSY: "busy", EACCES: "denied", EPERM: "denied" };

/** Runs what touches the machine's files; its failure becomes a PortError that says what was tried. */
export function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof PortError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new PortError(FAILURES[code ?? ""] ?? "absent", `${what}: ${message}`, { cause });
  }
}
