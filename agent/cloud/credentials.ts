/** With what a station proves who it is. Asked for at each connect, since certificates are renewed while it runs. */
import type { Secret } from "../world.ts";

export interface Credentials {
  /** PEM; the only authorities trusted when given, else the system's. */
  readonly ca?: string;
  readonly password?: Secret;
  /** Azure: of the device or of its enrolment group, base64; or a device's connection string. */
  readonly accessKey?: Secret;
  /** PEM, with the intermediate certificates that the cloud lacks. */
  readonly certificate?: string;
  /** PEM */
  readonly privateKey?: Secret;
}
