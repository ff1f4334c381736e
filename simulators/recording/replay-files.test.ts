/** A recording over the wire: the description that is made for it, spoken by board and reader. */

import { loadStation } from "@pump-station/sensor-descriptions/load.ts";
import type { SerialProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { expect, test } from "vitest";
import { createBaseboard } from "../hardware/baseboard.ts";
import { tableFrom } from "./csv.ts";
import { recordingFrom } from "./recording.ts";
import { createReplayBehaviour, NO_MORE_ROWS } from "./replay-behaviour.ts";
import { replayDeviceFile, replayStationFile } from "./replay-files.ts";

const CSV = `datetime;Accelerometer1RMS;Volume Flow RateRMS;°C outside
2020-03-09 10:14:33;0.0265878;32.0;-7.1
2020-03-09 10:14:34;-0.0000001;;214748364.7
2020-03-09 10:14:36;1;31.95;0
`;
const recording = recordingFrom(tableFrom(CSV));

function loaded() {
  const text = replayStationFile({ label: 'a "recording"', serial: "/tmp/ports/baseboard" });
  const { station, problems } = loadStation({ path: "station.yaml", text }, (type) => ({
    path: `${type}.yaml`,
    text: replayDeviceFile(recording, 1_000),
  }));
  // A made file has no examples from a manual, which is a warning.
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  const device = station?.devices[0];
  if (!device) throw new Error("the replay's station has no device");
  return device;
}

test("the files load without a problem and keep what is missing, filtered and aggregated out of it", () => {
  const device = loaded();
  expect(device.channels.map(({ name, resolution }) => [name, resolution])).toEqual([
    ["row", 1],
    ["recorded", 1],
    ["accelerometer-1-rms", 1e-7],
    ["volume-flow-rate-rms", 0.01],
    ["c-outside", 0.1],
  ]);
  expect(device.smallChange.size).toBe(0);
  expect(device.aggregate).toBeUndefined();
});

test("every row passes the wire once, unchanged, and then there are no more", () => {
  const protocol = loaded().protocol as SerialProtocol;
  const sent: Uint8Array[] = [];
  const board = createBaseboard({
    protocol,
    address: 1,
    behaviour: createReplayBehaviour({ recording, clock: { bootMs: () => 0 } }),
    timers: { after: (_, run) => (run(), () => undefined) },
    send: (frame) => void sent.push(frame),
  });
  let row = 0;
  const rows = [];
  for (;;) {
    const exchange = protocol.read(1, "row", (channel) => (channel === "row" ? row : undefined));
    board.receive(exchange.request);
    const outcome = exchange.recognise().push(sent.pop() ?? new Uint8Array());
    if (outcome?.kind !== "answer") {
      expect(outcome).toMatchObject({ kind: "refused", code: NO_MORE_ROWS });
      break;
    }
    row = Number(outcome.values.get("row"));
    rows.push([...outcome.values.values()]);
  }
  expect(rows).toEqual([
    [1, Date.UTC(2020, 2, 9, 10, 14, 33), 0.0265878, 32, -7.1],
    [2, Date.UTC(2020, 2, 9, 10, 14, 34), -0.0000001, "no-sensor", 214748364.7],
    [3, Date.UTC(2020, 2, 9, 10, 14, 36), 1, 31.95, 0],
  ]);
});
