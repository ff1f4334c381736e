/** Who the station is and how long it can prove it. Holds no secret. */
import type { Credentials } from "../cloud/credentials.ts";

export interface IdentityStatus {
  /** nothing: not enrolled yet. files: agent.yaml's certificate-file, which somebody else renews. access-key: Azure's. */
  readonly by: "certificate" | "files" | "password" | "access-key" | "nothing";
  readonly certificate?: {
    readonly name: string;
    readonly serial: string;
    readonly sha256?: string;
    readonly fromMs: number;
    readonly untilMs: number;
    /** The next one is asked for from then on; left out where somebody else renews it. */
    readonly renewAtMs?: number;
    /** Who gave it. */
    readonly cloud?: string;
    /** When it first worked. */
    readonly sinceMs?: number;
  };
  /** What is under way: a certificate is asked for, or a new one tried. */
  readonly doing?: string;
  /** What went wrong last, with what can be done. */
  readonly problem?: string;
}

/** Of a board that has got no certificate itself. */
export const shownBy = ({ certificate, password, accessKey }: Credentials): IdentityStatus["by"] =>
  certificate ? "files" : password ? "password" : accessKey ? "access-key" : "nothing";
