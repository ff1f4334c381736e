/** Who the station is and how long it can prove it. Holds no secret. */
export interface IdentityStatus {
  /** nothing: not enrolled yet. files: agent.yaml's certificate-file, which somebody else renews. */
  readonly by: "certificate" | "files" | "password" | "nothing";
  readonly certificate?: {
    readonly name: string;
    readonly serial: string;
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
