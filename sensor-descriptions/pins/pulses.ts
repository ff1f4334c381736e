/** Counted pulses: values are formulas of `total`, `since`, `seconds`, and of what the station file says. */
import { createChannelCodec } from "../fields/channels.ts";
import { formulaName } from "../formula/formula.ts";
import type { PulseProtocol } from "../model.ts";
import type { PulseSpec } from "../spec.ts";

/** Throws Error when a channel is a field: pulses have no bytes. */
export function createPulseProtocol(spec: PulseSpec): PulseProtocol {
  const codec = createChannelCodec(spec.channels);
  for (const { channel, source } of spec.channels) {
    if (source.from === "field") throw new Error(`channel ${channel.name}: pulses have no bytes to read it from`);
  }
  const given = [...spec.given].map(([name, value]) => [formulaName(name), value] as const);
  return {
    kind: "pulses",
    edge: spec.edge,
    debounceMs: spec.debounceMs,
    ...(spec.pull === undefined ? {} : { pull: spec.pull }),
    ...(spec.rate === undefined ? {} : { rate: spec.rate }),
    values: ({ total, since, sinceMs }) =>
      codec.decode(NO_BYTES, 0, new Map([...given, ["total", total], ["since", since], ["seconds", sinceMs / 1_000]])),
  };
}

const NO_BYTES = new Uint8Array();
