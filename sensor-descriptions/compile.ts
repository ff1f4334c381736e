/** From what a description says to what speaks: one line per protocol. */
import { createFramedProtocol } from "./framing/framing.ts";
import { createI2cProtocol } from "./i2c/i2c.ts";
import { createLinesProtocol } from "./lines/lines.ts";
import { createModbusProtocol } from "./modbus/modbus.ts";
import type { Protocol } from "./model.ts";
import { createLevelProtocol, createOutputProtocol } from "./pins/levels.ts";
import { createPulseProtocol } from "./pins/pulses.ts";
import type { ProtocolSpec } from "./spec.ts";

/** Throws Error when the spec contradicts itself; the loader has refused such files before. */
export function compileProtocol(spec: ProtocolSpec): Protocol {
  switch (spec.protocol) {
    case "framed":
      return createFramedProtocol(spec);
    case "lines":
      return createLinesProtocol(spec);
    case "modbus-rtu":
    case "modbus-ascii":
      return createModbusProtocol(spec);
    case "i2c":
      return createI2cProtocol(spec);
    case "pulses":
      return createPulseProtocol(spec);
    case "levels":
      return createLevelProtocol(spec);
    case "outputs":
      return createOutputProtocol(spec);
  }
}
