/**
 * Where values are missing, and why: a cell per sample, 0 present | reason (1…255, MISSING_REASONS) |
 * reason · 256 + device's code. Reads and writes one channel at a time; the channel before it is a context, since a device
 * that doesn't answer leaves all of them empty.
 *
 *   any missing   coin slot 0
 *   each sample   coin slot 8 + 4 · (the last but one missing) + 2 · (the last one missing) + (same sample missing in the
 *                 channel before)
 *   a missing one likely = the channel before's cell of the same sample, else this channel's last missing cell, else 1
 *                 coin slot 1 "the likely one"; if not: coin slot 2 "with a code", reason 8 raw bits, then code 8 raw bits
 */
import { codeCoin, createSlots, type Slots } from "./adaptive-bits.ts";
import type { BitCoder } from "./range-coder.ts";
import { WireError } from "./wire-error.ts";

const ANY_SLOT = 0;
const LIKELY_SLOT = 1;
const CODE_SLOT = 2;
const MISSING_SLOT = 8;

export class GapCoder {
  private readonly coder: BitCoder;
  private readonly slots: Slots = createSlots(16);
  private readonly above: Uint16Array;

  constructor(coder: BitCoder, samples: number) {
    this.coder = coder;
    this.above = new Uint16Array(samples);
  }

  /**
   * Writes the cells, of which `isAny` is missing, or reads them into the array; returns how many samples are present.
   * Throws WireError.
   */
  channel(cells: Uint16Array, isAny: boolean): number {
    const isGappy = codeCoin(this.coder, this.slots, ANY_SLOT, isAny ? 1 : 0) === 1;
    const present = isGappy ? this.gappy(cells) : cells.length;
    this.above.set(cells);
    return present;
  }

  private gappy(cells: Uint16Array): number {
    let history = 0;
    let likely = 1;
    let present = 0;
    for (let at = 0; at < cells.length; at++) {
      const above = this.above[at] ?? 0;
      const slot = MISSING_SLOT + 2 * history + (above === 0 ? 0 : 1);
      const isMissing = codeCoin(this.coder, this.slots, slot, cells[at] === 0 ? 0 : 1);
      history = ((history << 1) & 2) | isMissing;
      if (isMissing === 1) {
        likely = this.cell(cells[at] ?? 0, above === 0 ? likely : above);
        cells[at] = likely;
      } else present++;
    }
    return present;
  }

  private cell(cell: number, likely: number): number {
    const { coder, slots } = this;
    if (codeCoin(coder, slots, LIKELY_SLOT, cell === likely ? 1 : 0) === 1) return likely;
    const hasCode = codeCoin(coder, slots, CODE_SLOT, cell > 255 ? 1 : 0) === 1;
    const reason = coder.raw(8, hasCode ? cell >> 8 : cell);
    if (reason === 0) throw new WireError("malformed", "decode body: missing for no reason");
    return hasCode ? reason * 256 + coder.raw(8, cell & 0xff) : reason;
  }
}
