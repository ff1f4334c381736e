/** The other end of a serial line: what a simulated device hears, and how it answers. */
import type { Texts, Values } from "./model.ts";

/** What the simulated device hears: requests of the same protocol, decoded, each with the way to answer it. */
export type DeviceRequest =
  | {
      readonly kind: "read";
      readonly read: string;
      /** Values that the request carried (`send: "01 {row}"`). */
      readonly carried: Values;
      /** `texts` for those that the read asks for; one that isn't given is empty. */
      answer(values: Values, texts?: Texts): Uint8Array;
      refuse(code: number): Uint8Array;
    }
  | {
      readonly kind: "set";
      readonly setting: string;
      readonly value: number;
      answer(): Uint8Array;
      refuse(code: number): Uint8Array;
    }
  | {
      readonly kind: "command";
      readonly command: string;
      answer(): Uint8Array;
      refuse(code: number): Uint8Array;
    }
  | {
      readonly kind: "set-up";
      /** Its place in `set-up:`, from 1. */
      readonly step: number;
      /** No bytes where the description says that nothing answers it. */
      answer(): Uint8Array;
      refuse(code: number): Uint8Array;
    }
  | {
      readonly kind: "bad";
      readonly reason: "checksum" | "malformed";
      readonly bytes: Uint8Array;
      /** What a device of this protocol says to an intact request that means nothing to it; absent: nothing. */
      readonly answer?: Uint8Array;
    };

export interface RequestRecogniser {
  push(bytes: Uint8Array): readonly DeviceRequest[];
}
