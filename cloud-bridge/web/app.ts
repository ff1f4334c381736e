/** Joins the page to the browser: clock, timers, network, address bar, storage. */
import "uplot/dist/uPlot.min.css";
import "./app.css";
import { createApi } from "./api-client.ts";
import { createChanges, type TokenStore } from "./changes.ts";
import { ChannelChart } from "./channel-chart.ts";
import { fragmentFrom } from "./fragment.ts";
import { type EventStream, followStation } from "./live.ts";
import { PumpStations } from "./page.ts";
import { createSession } from "./session.ts";
import { StateBand } from "./state-band.ts";
import { TokenDialog } from "./token-dialog.ts";

const TOKEN_KEY = "pump-stations.token";

const token: TokenStore = {
  get: () => sessionStorage.getItem(TOKEN_KEY) ?? undefined,
  set: (given) => sessionStorage.setItem(TOKEN_KEY, given),
  clear: () => sessionStorage.removeItem(TOKEN_KEY),
};

/** A token in the address bar would be copied along with the link. */
function takeFragment(): string | undefined {
  const fragment = fragmentFrom(location.hash);
  if (fragment.token !== undefined) token.set(fragment.token);
  if (location.hash !== fragment.rest)
    history.replaceState(null, "", location.pathname + location.search + fragment.rest);
  return fragment.station;
}

customElements.define("channel-chart", ChannelChart);
customElements.define("state-band", StateBand);
customElements.define("token-dialog", TokenDialog);

const page = document.querySelector("pump-stations") as PumpStations;
const onChange = (): void => page.requestUpdate();
const api = createApi({ fetch: (url, init) => fetch(url, init) });
const live = {
  open: (url: string) => new EventSource(url) as unknown as EventStream,
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
const session = createSession({
  api,
  follow: (station, listeners) => followStation(live, station, listeners),
  now: () => Date.now(),
  every: (ms, run) => void setInterval(run, ms),
  onChange,
});
page.session = session;
page.changes = createChanges({
  api,
  token,
  onTwin: (twin) => session.tell({ kind: "live", event: { kind: "twin", twin }, now: Date.now() }),
  onChange,
});
customElements.define("pump-stations", PumpStations);

const station = takeFragment();
addEventListener("hashchange", () => {
  const chosen = takeFragment();
  if (chosen !== undefined) session.choose(chosen);
});
void session.start(station);
