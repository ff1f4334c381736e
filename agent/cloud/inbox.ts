/**
 * Keeps what arrives between SUBACK and the moment somebody listens: a broker may deliver in the same packet as its
 * acknowledgement. Bounded; what doesn't fit is handed back as refused, so that the caller can say so.
 */
export interface Inbox<T> {
  /** False when it is full and nobody listens. */
  put(item: T): boolean;
  listen(listener: (item: T) => void): void;
}

export function createInbox<T>(itemsMax: number): Inbox<T> {
  const early: T[] = [];
  let listener: ((item: T) => void) | undefined;
  return {
    put: (item) => {
      if (listener) {
        listener(item);
        return true;
      }
      if (early.length >= itemsMax) return false;
      early.push(item);
      return true;
    },
    listen: (added) => {
      listener = added;
      for (const item of early.splice(0)) added(item);
    },
  };
}
