/** Device files with `protocol: modbus-rtu` or `modbus-ascii`. Registers are numbered as they travel, from 0. */
import { say } from "../messages.ts";
import type { ModbusSpec } from "../modbus/modbus-spec.ts";
import { commandOf } from "./controls.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import type { Judge } from "./judge.ts";
import { type ModbusShape, type PlacedChannel } from "./modbus-channels.ts";
import { modbusLine } from "./modbus-line.ts";
import { handPlanned, planned, textReads } from "./modbus-reads.ts";
import { commandFrom, settingFrom } from "./modbus-writes.ts";
import { setUpOf } from "./set-up.ts";

export function modbusSpec(shape: ModbusShape, around: Surroundings): BuiltSpec {
  const { judge } = around;
  const order = { byte: shape["byte-order"] ?? ("big-endian" as const), word: shape["word-order"] };
  const byHand = handPlanned(around, shape, order);
  const byPlan = planned(around, shape, order);
  const placed = [...byHand.channels, ...byPlan.channels];
  reportTwice(judge, placed);
  const reads = [...byHand.reads, ...byPlan.reads];
  const specs = reads.flatMap((read) => read.channels);
  const channels = placed.map(({ channel }) => channel);
  const settings = Object.entries(shape.settings ?? {}).flatMap(
    ([name, setting]) => settingFrom(judge, name, setting, specs, placed) ?? [],
  );
  const commands = Object.entries(shape.commands ?? {});
  const asks = { first: "write", keys: ["write", "value", "with"] } as const;
  const setUp = setUpOf(judge, shape, asks, true, (at, { write, value, with: code }) => {
    if (value === undefined && !judge.document.has([...at, "value"])) judge.report(at, say.setUpNeedsValue(), "key");
    return write && value && commandFrom(judge, at, `set-up ${Number(at.at(-1)) + 1}`, { write, value, with: code });
  });
  const spec: ModbusSpec = {
    protocol: shape.protocol,
    ...modbusLine(judge, shape),
    ...(setUp ? { setUp } : {}),
    reads: [...reads, ...textReads(judge, shape)],
    settings: settings.map(({ write }) => write),
    commands: commands.flatMap(([name, command]) => commandFrom(judge, ["commands", name], name, command) ?? []),
  };
  return {
    spec,
    channels,
    settings: settings.map(({ setting }) => setting),
    commands: commands.map(([name, command]) => commandOf(judge, name, command, channels)),
  };
}

/** A channel's name is its name in the whole device, wherever it stands. */
function reportTwice(judge: Judge, placed: readonly PlacedChannel[]): void {
  const seen = new Set<string>();
  for (const { channel, at } of placed) {
    if (seen.has(channel.name)) judge.report(at, say.channelTwice(channel.name), "key");
    seen.add(channel.name);
  }
}
