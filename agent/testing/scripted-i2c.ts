/** I2C buses whose chips are functions by address. */
import { type I2cBuses, PortError, type PortFailure } from "../world.ts";

export type ScriptedChip = (write: Uint8Array, readLength: number) => Uint8Array | PortFailure;

export interface ScriptedI2c extends I2cBuses {
  readonly chips: Map<number, ScriptedChip>;
  /** What `open` throws while set. */
  failure: PortFailure | undefined;
  opened: number;
  readonly transfers: { readonly address: number; readonly write: Uint8Array; readonly readLength: number }[];
}

export function createScriptedI2c(): ScriptedI2c {
  const i2c: ScriptedI2c = {
    chips: new Map(),
    failure: undefined,
    opened: 0,
    transfers: [],
    open: async (path) => {
      if (i2c.failure) throw new PortError(i2c.failure, `open ${path}: ${i2c.failure}`);
      i2c.opened++;
      return {
        transfer: async (address, write, readLength) => {
          i2c.transfers.push({ address, write, readLength });
          if (i2c.failure) throw new PortError(i2c.failure, `transfer: ${i2c.failure}`);
          const answer = i2c.chips.get(address)?.(write, readLength) ?? "nack";
          if (typeof answer === "string") throw new PortError(answer, `transfer: ${answer}`);
          return answer;
        },
        close: async () => {},
      };
    },
  };
  return i2c;
}
