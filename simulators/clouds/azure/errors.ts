/** An answer with a status other than 2xx: to a device in a topic, to a service over HTTP. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly status: number;
  /** Azure's six digits: the status and which of its reasons. */
  readonly code: number;
  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The JSON that Azure sends along. */
export const errorBody = (status: number, code: number, message: string, nowMs: number): string =>
  JSON.stringify({
    errorCode: code,
    trackingId: `local-${status}`,
    message,
    timestampUtc: new Date(nowMs).toISOString(),
  });
