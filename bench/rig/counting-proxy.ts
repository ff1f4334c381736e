/**
 * Where no namespace can be made: a TCP proxy that counts payload, and adds what the headers would be.
 *
 * Estimated for each direction: 52 bytes (IPv4 20, TCP 20, timestamps 12) for each segment of up to 1448 bytes, and one
 * bare acknowledgement of 52 for each portion that nothing answers within 40 ms, as long as Linux waits for something that
 * could carry it (a PINGRESP carries the one of its PINGREQ). A
 * connection's beginning and end are seven such packets. Lost packets and the radio's own headers are not in.
 */
import { connect, createServer, type Socket } from "node:net";

const HEADER_BYTES = 52;
const SEGMENT_BYTES = 1448;
const OPEN_AND_CLOSE_PACKETS = 7;
/** Linux' TCP_DELACK_MIN. */
const DELAYED_ACK_MS = 40;

export interface CountingProxy {
  readonly port: number;
  ipBytes(): number;
  /** All connections break. */
  cut(): void;
  close(): void;
}

export async function openCountingProxy(target: { host: string; port: number }): Promise<CountingProxy> {
  let bytes = 0;
  const counted = (portion: Buffer): void => {
    bytes += portion.length + Math.ceil(portion.length / SEGMENT_BYTES) * HEADER_BYTES;
  };
  const open = new Set<Socket>();
  const server = createServer((near) => {
    open.add(near);
    near.once("close", () => open.delete(near));
    bytes += OPEN_AND_CLOSE_PACKETS * HEADER_BYTES;
    const far = connect(target);
    /** By who owes it: an acknowledgement that waits for something to travel with. */
    const owed = { near: undefined, far: undefined } as Record<"near" | "far", NodeJS.Timeout | undefined>;
    const passes = (from: "near" | "far", to: "near" | "far") => (portion: Buffer) => {
      counted(portion);
      clearTimeout(owed[from]);
      owed[from] = undefined;
      owed[to] ??= setTimeout(() => {
        owed[to] = undefined;
        bytes += HEADER_BYTES;
      }, DELAYED_ACK_MS);
    };
    near.on("data", passes("near", "far")).pipe(far);
    far.on("data", passes("far", "near")).pipe(near);
    near.on("error", () => far.destroy());
    near.on("close", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    ipBytes: () => bytes,
    cut: () => {
      for (const socket of open) socket.resetAndDestroy();
    },
    close: () => void server.close(),
  };
}
