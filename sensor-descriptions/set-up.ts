/**
 * `set-up:` of a device on a serial line: what it has to be told after power came, before it can be read. Writes are
 * not reads, and none is ever repeated; these are, because whoever lists an exchange here declares that saying it
 * again does no harm. What moves something or counts something is a command.
 */
import type { SerialExchange } from "./model.ts";

/**
 * What a device is told before it can be read, in this order. The author declares that saying it again does no harm.
 * `isEachTime`: before every poll (a measurement is started, a handshake is made), not only when it may have forgotten.
 */
export interface SerialSetUp {
  readonly steps: readonly (
    | {
        readonly do: "ask";
        /** Its place in `set-up:`, from 1. */
        readonly step: number;
        /** A refusal of it doesn't matter. */
        readonly isOptional: boolean;
        readonly isEachTime: boolean;
        exchange(address: number, turn?: number): SerialExchange;
      }
    | { readonly do: "wait"; readonly ms: number; readonly isEachTime: boolean }
  )[];
  /** A read that is refused with one of these codes needs it once more. */
  readonly whenRefused: ReadonlySet<number>;
}

/** `Ask`: how the protocol at hand writes one exchange. */
export interface SetUpSpec<Ask> {
  /** In file order; a step is known by its place in the list, counted from 1. */
  readonly steps: readonly (
    | {
        readonly do: "ask";
        readonly step: number;
        readonly isOptional: boolean;
        readonly isEachTime: boolean;
        readonly ask: Ask;
      }
    | { readonly do: "wait"; readonly ms: number; readonly isEachTime: boolean }
  )[];
  readonly whenRefused: readonly number[];
}

/** `exchangeOf` makes the exchange of the step with this number. */
export function serialSetUp(
  spec: SetUpSpec<unknown>,
  exchangeOf: (address: number, step: number, turn: number | undefined) => SerialExchange,
): SerialSetUp {
  return {
    steps: spec.steps.map((one) =>
      one.do === "wait"
        ? one
        : {
            do: "ask",
            step: one.step,
            isOptional: one.isOptional,
            isEachTime: one.isEachTime,
            exchange: (address, turn) => exchangeOf(address, one.step, turn),
          },
    ),
    whenRefused: new Set(spec.whenRefused),
  };
}

/** The exchanges alone, with their numbers. */
export const askedIn = <Ask>(spec: SetUpSpec<Ask> | undefined): readonly { step: number; ask: Ask }[] =>
  (spec?.steps ?? []).flatMap((one) => (one.do === "ask" ? [{ step: one.step, ask: one.ask }] : []));
