/** Errors as the contract has them: {error, message, advice?}. */

export type ApiErrorCode = 400 | 401 | 404 | 409 | 413 | 429;

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly statusCode: ApiErrorCode;
  readonly error: string;
  readonly advice: string | undefined;
  constructor(statusCode: ApiErrorCode, error: string, message: string, advice?: string) {
    super(message);
    this.statusCode = statusCode;
    this.error = error;
    this.advice = advice;
  }
}

export const unknownStation = (station: string): ApiError =>
  new ApiError(
    404,
    "unknown-station",
    `no station "${station}"`,
    "GET /api/stations lists them; POST /api/stations adds one",
  );
