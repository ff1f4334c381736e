/**
 * Which requests read what is wanted of one table: neighbours come in one, and so do those with few unwanted registers
 * between them, since a request of its own costs more time on the line than some registers more in an answer.
 */

export interface Wanted {
  readonly first: number;
  readonly last: number;
}

export interface MergeLimits {
  /** Unwanted registers (or bits) that are read to save a request. */
  readonly holes: number;
  readonly atMost: number;
}

export interface PlannedRequest<T extends Wanted> {
  readonly first: number;
  readonly last: number;
  readonly wanted: readonly T[];
}

/**
 * Each of `all` in exactly one request, which covers it whole. A request is longer than `atMost` only when one of them
 * alone is.
 */
export function planRequests<T extends Wanted>(all: readonly T[], { holes, atMost }: MergeLimits): PlannedRequest<T>[] {
  const requests: { first: number; last: number; wanted: T[] }[] = [];
  const inOrder = [...all].sort((a, b) => a.first - b.first || a.last - b.last);
  for (const one of inOrder) {
    const request = requests.at(-1);
    const last = Math.max(request?.last ?? 0, one.last);
    if (request && one.first - request.last - 1 <= holes && last - request.first + 1 <= atMost) {
      request.last = last;
      request.wanted.push(one);
    } else {
      requests.push({ first: one.first, last: one.last, wanted: [one] });
    }
  }
  return requests;
}

/** The same without holes; undefined when there are none. */
export function withoutHoles<T extends Wanted>(
  request: PlannedRequest<T>,
  atMost: number,
): PlannedRequest<T>[] | undefined {
  const parts = planRequests(request.wanted, { holes: 0, atMost: Math.max(atMost, request.last - request.first + 1) });
  return parts.length > 1 ? parts : undefined;
}
