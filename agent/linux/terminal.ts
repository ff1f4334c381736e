/** Where a command's words go. */

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly colour: boolean;
}

/** `isService`: whether this process has become the service, which no reader of its words may end. */
export function createTerminal(isService: () => boolean = () => false): Terminal {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // A log that can't be written is no reason to stop reading sensors.
    if (isService()) return;
    // `… | head` has read enough: as a shell's tools, with 128 + SIGPIPE and without a word. Nothing can be asked any more.
    if (error.code === "EPIPE") process.exit(141);
    process.stderr.write(`what was asked for could not be written: ${error.message}\n`);
    process.exit(1);
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colour: process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
  };
}
