/** Keeps the page's state true: fetches, follows the events, fetches again after a lost connection. Knows no DOM. */
import { type Api, ApiProblem, problemText } from "./api-client.ts";
import type { LiveListeners } from "./live.ts";
import {
  afterNews,
  FIRST_STATE,
  isOfDevice,
  type News,
  type PageState,
  rangeFor,
  type StationDetail,
} from "./state.ts";

export interface SessionDeps {
  readonly api: Api;
  readonly follow: (station: string, listeners: LiveListeners) => () => void;
  /** ms since 1970 */
  readonly now: () => number;
  /** Calls back again and again, every `ms`. */
  readonly every: (ms: number, run: () => void) => void;
  readonly onChange: () => void;
}

export interface Session {
  state(): PageState;
  tell(news: News): void;
  /** Shows `preferred` if there is such a station, else the first one, as soon as there is one. */
  start(preferred: string | undefined): Promise<void>;
  choose(station: string): void;
  setRange(rangeMs: number): Promise<void>;
}

/** Summaries and the ledger change without an event; asking is also how a half-open connection is noticed. */
const REFRESH_MS = 15_000;

export function createSession({ api, follow, now, every, onChange }: SessionDeps): Session {
  let state = FIRST_STATE;
  let unfollow = (): void => undefined;
  let isRangeChosen = false;

  const tell = (news: News): void => {
    state = afterNews(state, news);
    onChange();
  };
  const report = (problem: unknown): void => {
    if (isUnreachable(problem)) tell({ kind: "connection", connection: "lost" });
    else tell({ kind: "problem", problem: problemText(problem) });
  };

  const load = async (station: string): Promise<void> => {
    try {
      const streams = await api.streams(station);
      if (!isRangeChosen) tell({ kind: "range", rangeMs: rangeFor(streams, now()) });
      const detail = await detailOf(api, station, streams, now() - state.rangeMs);
      tell({ kind: "detail", station, detail, now: now() });
      tell({ kind: "problem", problem: undefined });
    } catch (problem) {
      report(problem);
    }
  };

  const show = (station: string): void => {
    tell({ kind: "chosen", station });
    unfollow();
    unfollow = follow(station, {
      onEvent: (event) => tell({ kind: "live", event, now: now() }),
      onOpen: () => {
        tell({ kind: "connection", connection: "live" });
        void load(station);
      },
      onLost: () => tell({ kind: "connection", connection: "lost" }),
    });
  };

  const refresh = async (preferred: string | undefined): Promise<void> => {
    try {
      const wasLost = state.connection === "lost";
      const stations = await api.stations();
      tell({ kind: "stations", stations });
      const wanted = state.station ?? preferred;
      const station = stations.find((known) => known.station === wanted) ?? stations[0];
      if (!station) return tell({ kind: "connection", connection: "live" });
      // A connection that broke without a word never reopens by itself.
      if (station.station !== state.station || wasLost) show(station.station);
      tell({ kind: "ledger", station: station.station, ledger: await api.ledger(station.station) });
      // No event tells that estimated times have moved.
      if ([...state.devices, ...state.alarms].some(({ uncertain }) => uncertain !== undefined))
        await load(station.station);
    } catch (problem) {
      report(problem);
    }
  };

  return {
    state: () => state,
    tell,
    start: async (preferred) => {
      every(REFRESH_MS, () => void refresh(preferred));
      await refresh(preferred);
    },
    choose: (station) => {
      if (station !== state.station) show(station);
    },
    setRange: async (rangeMs) => {
      isRangeChosen = true;
      tell({ kind: "range", rangeMs });
      if (state.station !== undefined) await load(state.station);
    },
  };
}

const isUnreachable = (problem: unknown): boolean => problem instanceof ApiProblem && problem.status === 0;

async function detailOf(
  api: Api,
  station: string,
  streams: StationDetail["streams"],
  from: number,
): Promise<StationDetail> {
  const [readings, alarms, twin, ledger, quarantine] = await Promise.all([
    Promise.all(streams.filter(isOfDevice).map(({ device }) => api.readings(station, device, from))),
    api.alarms(station),
    api.twin(station),
    api.ledger(station),
    api.quarantine(station),
  ]);
  return { streams, readings, alarms, twin, ledger, quarantine };
}
