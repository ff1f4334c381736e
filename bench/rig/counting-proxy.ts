/**
 * Where no namespace can be made: a TCP proxy that counts payload, and adds what the headers would be.
 *
 * Estimated for each direction: 52 bytes (IPv4 20, TCP 20, timestamps 12) for each segment of up to 1448 bytes, and one
 * bare acknowledgement of 52 for each portion, because nothing goes the other way soon enough to carry it. A
 * connection's beginning and end are seven such packets. Lost packets and the radio's own headers are not in.
 */
import { connect, createServer } from "node:net";

const HEADER_BYTES = 52;
const SEGMENT_BYTES = 1448;
const OPEN_AND_CLOSE_PACKETS = 7;

export interface CountingProxy {
  readonly port: number;
  ipBytes(): number;
  close(): void;
}

export async function openCountingProxy(target: { host: string; port: number }): Promise<CountingProxy> {
  let bytes = 0;
  const count = (portion: Buffer): void => {
    bytes += portion.length + (Math.ceil(portion.length / SEGMENT_BYTES) + 1) * HEADER_BYTES;
  };
  const server = createServer((near) => {
    bytes += OPEN_AND_CLOSE_PACKETS * HEADER_BYTES;
    const far = connect(target);
    near.on("data", count).pipe(far);
    far.on("data", count).pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    ipBytes: () => bytes,
    close: () => void server.close(),
  };
}
