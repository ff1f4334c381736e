/**
 * A two-wire adapter whose receiver stays on hears its own request before the answer. Left in, the echo of a write
 * would pass for its answer wherever a device answers by repeating the request (Modbus 05 and 06).
 */

/** Takes one sent message off what is heard, in any portions, also with damaged or lost bytes. */
export interface EchoFilter {
  /** What isn't the echo. */
  take(bytes: Uint8Array): Uint8Array;
  /** What was kept back so far although no echo came of it. */
  end(): Uint8Array | undefined;
}

/** An echo is damaged by a collision at one place; what differs more than this is no echo: the adapter has none. */
const DAMAGED_PART_MAX = 0.5;
const NOTHING = new Uint8Array(0);

export function createEchoFilter(sent: Uint8Array): EchoFilter {
  let expected = 0;
  let damaged = 0;
  let taken: number[] = [];
  let isOver = sent.length === 0;

  /** Whether `byte` stands for the next byte that was sent: itself, its neighbour after a lost one, or damaged. */
  const match = (byte: number): void => {
    if (byte !== sent[expected]) {
      damaged++;
      if (byte === sent[expected + 1]) expected++;
    }
    expected++;
  };

  return {
    take: (bytes) => {
      if (isOver) return bytes;
      for (const [at, byte] of bytes.entries()) {
        taken.push(byte);
        match(byte);
        if (damaged > sent.length * DAMAGED_PART_MAX) {
          isOver = true;
          const before = taken;
          taken = [];
          return Uint8Array.of(...before, ...bytes.subarray(at + 1));
        }
        if (expected < sent.length) continue;
        isOver = true;
        taken = [];
        return bytes.subarray(at + 1);
      }
      return NOTHING;
    },
    end: () => (isOver || damaged === 0 ? undefined : Uint8Array.from(taken)),
  };
}
