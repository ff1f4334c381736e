/**
 * Finds whole frames in a stream of bytes that comes in any portions, with garbage in any place.
 *
 * A start is only a guess: the start bytes may stand inside data, and a damaged length may announce bytes that never
 * come. So a damaged frame gives up its first byte alone, and the search goes on from the second; and while a frame
 * is incomplete, whole frames that end inside of it are accepted when they are the one that is waited for. Where a
 * byte that stands in no frame ends each of them, neither is needed.
 */

/** A frame that has not ended after this many bytes is no frame. Modbus RTU: 256; known baseboards: 260. */
export const FRAME_BYTES_MAX = 1_024;

/** What begins at a place: the frame's length, no frame, or "more bytes are needed to say". */
export const NO_FRAME = -1;
export const NEED_MORE = 0;
/** A byte between frames that says nothing: no frame, and not counted as stray. */
export const IDLE_BYTE = -2;

export interface FrameSearch {
  /** What ends a frame ends every other one that has begun: no whole frame hides in an incomplete one. */
  readonly hidesNone?: boolean;
  /** What ends a frame can't stand inside of one: a damaged frame goes as a whole. */
  readonly hasSureEnds?: boolean;
  /** Length of the frame that begins at `at` (it may reach beyond `end`), NO_FRAME, IDLE_BYTE or NEED_MORE. */
  sizeAt(data: Uint8Array, at: number, end: number): number;
  isIntact(data: Uint8Array, at: number, size: number): boolean;
  /** An intact frame; true when it is one that was waited for. `data` is valid during the call only. */
  accept(data: Uint8Array, at: number, size: number): boolean;
  /** A frame of the right size whose check is wrong. */
  damaged(data: Uint8Array, at: number, size: number): void;
}

export class FrameScanner {
  /** Intact frames that nobody waited for. */
  otherFrames = 0;
  /** Bytes that belonged to no frame. */
  strayBytes = 0;
  readonly #search: FrameSearch;
  /** The beginning of a frame, at most FRAME_BYTES_MAX bytes; made when the first frame comes in portions. */
  #kept: Uint8Array | undefined;
  #keptLength = 0;

  constructor(search: FrameSearch) {
    this.#search = search;
  }

  /** A frame has begun and isn't complete. */
  get isWaiting(): boolean {
    return this.#keptLength > 0;
  }

  push(bytes: Uint8Array): void {
    // The usual case, a whole frame in one portion, is read where it lies.
    let from = this.#keptLength === 0 ? this.#scan(bytes, bytes.length, 0) : 0;
    if (from === bytes.length) return;
    const kept = (this.#kept ??= new Uint8Array(FRAME_BYTES_MAX));
    if (this.#keptLength === 0) {
      kept.set(bytes.subarray(from));
      this.#keptLength = bytes.length - from;
      return;
    }
    while (from < bytes.length) {
      const before = this.#keptLength;
      const portion = Math.min(bytes.length - from, FRAME_BYTES_MAX - before);
      kept.set(bytes.subarray(from, from + portion), before);
      from += portion;
      this.#keptLength += portion;
      this.#drop(kept, this.#scan(kept, this.#keptLength, before));
    }
  }

  #drop(kept: Uint8Array, count: number): void {
    if (count === 0) return;
    kept.copyWithin(0, count, this.#keptLength);
    this.#keptLength -= count;
  }

  /**
   * How many bytes are done with; fewer than FRAME_BYTES_MAX remain. Frames that ended before `seen` were looked at by
   * an earlier call.
   */
  #scan(data: Uint8Array, end: number, seen: number): number {
    const search = this.#search;
    const hasSureEnds = search.hasSureEnds === true;
    let at = 0;
    while (at < end) {
      const size = search.sizeAt(data, at, end);
      const isNone = size === NEED_MORE ? end - at >= FRAME_BYTES_MAX : size < 0 || size > FRAME_BYTES_MAX;
      if (isNone) {
        // Where ends are sure, all that is too long up to the next one is noise.
        const count = !hasSureEnds || size < 0 ? 1 : size === NEED_MORE ? end - at : size;
        at += count;
        if (size !== IDLE_BYTE) this.strayBytes += count;
      } else if (size === NEED_MORE || at + size > end) {
        const inner = search.hidesNone === true ? at : this.#acceptInside(data, at, end, seen);
        if (inner === at) return at;
        at = inner;
      } else if (search.isIntact(data, at, size)) {
        if (!search.accept(data, at, size)) this.otherFrames++;
        at += size;
      } else {
        search.damaged(data, at, size);
        const count = hasSureEnds ? size : 1;
        at += count;
        this.strayBytes += count;
      }
    }
    return at;
  }

  /** The end of a frame that was waited for and lies inside an incomplete one; `outer` when there is none. */
  #acceptInside(data: Uint8Array, outer: number, end: number, seen: number): number {
    const search = this.#search;
    for (let at = outer + 1; at < end; at++) {
      const size = search.sizeAt(data, at, end);
      if (size <= 0 || size > FRAME_BYTES_MAX || at + size > end || at + size <= seen) continue;
      if (!search.isIntact(data, at, size) || !search.accept(data, at, size)) continue;
      this.strayBytes += at - outer;
      return at + size;
    }
    return outer;
  }
}
