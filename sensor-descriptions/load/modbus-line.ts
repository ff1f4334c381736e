/** What Modbus says of the serial line beside what every protocol says. */
import { say } from "../messages.ts";
import type { SerialSettings, SerialTiming } from "../model.ts";
import { serialOf } from "./controls.ts";
import type { Judge } from "./judge.ts";
import type { ModbusShape } from "./modbus-channels.ts";

/** Serial line 1.02, 2.4.1: 100 to 200 ms at 9600 baud. */
const TURNAROUND_MS = 100;

export function modbusLine(judge: Judge, shape: ModbusShape): ReturnType<typeof serialOf> {
  const line = serialOf(judge, shape);
  const isRtu = shape.protocol === "modbus-rtu";
  // A byte of RTU has 8 bits (2.5.1); ASCII needs 7 (2.5.2).
  if (isRtu && line.serial.dataBits !== 8) judge.report(["serial", "mode"], say.rtuNeedsEightBits());
  const standardMs = isRtu ? silenceMs(line.serial) : 0;
  const quietBeforeMs = shape.timing["quiet-before"] ?? standardMs;
  if (quietBeforeMs < standardMs)
    judge.report(["timing", "quiet-before"], say.quietTooShort(`${Math.ceil(standardMs * 100) / 100} ms`));
  const timing: SerialTiming = {
    ...line.timing,
    quietBeforeMs,
    turnaroundMs: shape.timing.turnaround ?? TURNAROUND_MS,
  };
  return { ...line, timing };
}

/** 2.5.1.1: 3.5 characters, and 1.75 ms above 19200 baud. */
export function silenceMs({ baudRate, dataBits, parity, stopBits }: SerialSettings): number {
  if (baudRate > 19_200) return 1.75;
  return (3.5 * (1 + dataBits + (parity === "none" ? 0 : 1) + stopBits) * 1000) / baudRate;
}
