import { describe, expect, it } from "vitest";
import { missing } from "../reading.ts";
import { createSerialBench, type FarEnd } from "../testing/serial-bench.ts";
import {
  createSmallDevice,
  createSmallDeviceSide,
  createSmallProtocol,
  smallFrame,
} from "../testing/small-protocol.ts";

const device = () => createSmallDevice({ protocol: createSmallProtocol({ retries: 0 }, { reads: "merged" }) });

/** `objects`: what comes back for the merged read (code 5). */
const objecting = (objects: (poll: number) => Uint8Array | undefined, far = createSmallDeviceSide()): FarEnd => {
  let poll = 0;
  return (request) => {
    const bytes = request[2] === 5 ? objects(poll++) : far.hear(request);
    return bytes ? [{ afterMs: 2, bytes }] : [];
  };
};

const codes = ({ serial }: ReturnType<typeof createSerialBench>) => serial.written.map(({ bytes }) => bytes[2]);

describe("a read that is merged across registers that no channel needs", () => {
  it("is one request for a device that doesn't mind", async () => {
    const far = createSmallDeviceSide();
    const bench = createSerialBench(
      objecting(() => far.hear(smallFrame(1, 5, []))),
      [device()],
    );
    expect((await bench.settled(bench.source.poll())).values).toEqual([50, 0, 100]);
    expect(codes(bench)).toEqual([5]);
  });

  it.each([2, 3])("is asked in parts from the poll on in which the device refused it with %i", async (code) => {
    const bench = createSerialBench(
      objecting(() => smallFrame(1, 0xff, [code])),
      [device()],
    );
    const { source, settled, logged } = bench;
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
    expect(codes(bench)).toEqual([5, 1, 2, 1, 2]);
    expect(source.health().inParts).toEqual({ all: `refused: code ${code}` });
    expect(logged.filter((event) => event === "device-asked-in-parts")).toHaveLength(1);
  });

  it("stays whole when the refusal means something else, and when the parts are refused, too", async () => {
    const busy = createSerialBench(
      objecting(() => smallFrame(1, 0xff, [6])),
      [device()],
    );
    expect((await busy.settled(busy.source.poll())).values[0]).toEqual(missing("refused", 6));
    expect(codes(busy)).toEqual([5]);

    const starting = createSerialBench(() => [{ afterMs: 2, bytes: smallFrame(1, 0xff, [2]) }], [device()]);
    for (let poll = 0; poll < 100; poll++) await starting.settled(starting.source.poll());
    expect(starting.source.health().inParts).toBeUndefined();
    // Tried at the 1st, 2nd, 4th … 64th refusal.
    expect(codes(starting)).toHaveLength(100 + 2 * 7);
  });

  it("is asked in parts for a device that says nothing to it but answers a part", async () => {
    const bench = createSerialBench(
      objecting(() => undefined),
      [device()],
    );
    const { source, settled } = bench;
    const values = [];
    for (let poll = 0; poll < 5; poll++) values.push((await settled(source.poll())).values[0]);
    expect(values).toEqual([missing("timeout"), missing("timeout"), missing("timeout"), 50, 50]);
    expect(codes(bench)).toEqual([5, 5, 5, 1, 2, 1, 2]);
  });

  it("costs no more requests than before for a device that says nothing at all", async () => {
    const bench = createSerialBench(() => [], [device()]);
    for (let poll = 0; poll < 12; poll++) await bench.settled(bench.source.poll());
    expect(codes(bench)).toEqual([5, 5, 5, 1, 5, 5, 5, 1, 5, 5, 5, 1]);
    expect(bench.source.health().inParts).toBeUndefined();
  });
});
