/** What a test sees and does on the cloud's side of a station's connection, whichever dialect lies between. */
import type { CommandAnswer, CommandCall, Message } from "../cloud/cloud.ts";
import type { JsonObject } from "../wire/twin-document.ts";
import type { MemoryTwin } from "./memory-twin.ts";

export interface FarSide {
  /** Accepted messages in the order of their arrival. */
  readonly messages: Message[];
  /** undefined: never heard of. */
  readonly online: boolean | undefined;
  readonly twin: MemoryTwin;
  /** Merges and tells the station when it is connected. */
  setDesired(patch: JsonObject): void;
  /** Merges without telling the station: a notification that got lost. */
  setDesiredUnheard(patch: JsonObject): void;
  call(call: CommandCall): Promise<CommandAnswer>;
  sendLedger(payload: Uint8Array): void;
  /** Twin requests get no answer while true. */
  silent: boolean;
  /** Reports are refused with this text while set. */
  refuseReports?: string | undefined;
  /** Reports that were stored. */
  readonly reports: JsonObject[];
}
