/** What the address bar's fragment may carry: #token=…&station=…. The token is taken out so that it isn't passed on. */

export interface Fragment {
  readonly token?: string;
  readonly station?: string;
  /** The fragment without the token, "" or "#station=…". */
  readonly rest: string;
}

export function fragmentFrom(hash: string): Fragment {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const token = parameters.get("token");
  const station = parameters.get("station");
  return {
    ...(token ? { token } : {}),
    ...(station ? { station } : {}),
    rest: station ? fragmentOf(station) : "",
  };
}

export const fragmentOf = (station: string): string => `#station=${encodeURIComponent(station)}`;
