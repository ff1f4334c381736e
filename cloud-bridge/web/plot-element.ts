/** What both kinds of chart share: a uPlot that follows size, theme and time, and reads out the point under the cursor. */
import uPlot from "uplot";
import type { StreamChannel } from "../api/contract.ts";
import { clockText, tickTexts } from "./format.ts";
import type { Cell, Plot } from "./series.ts";

export interface ChartView {
  readonly plot: Plot;
  readonly channel: StreamChannel;
  /** The time shown, ms since 1970. */
  readonly from: number;
  readonly to: number;
  /** The chart in a sentence, for those who can't see it. */
  readonly label: string;
}

export abstract class PlotElement extends HTMLElement {
  #view: ChartView | undefined;
  #drawn: Plot | undefined;
  #uplot: uPlot | undefined;
  readonly #resize = new ResizeObserver(() => this.#fit());
  readonly #theme = matchMedia("(prefers-color-scheme: dark)");
  readonly #repaint = (): void => this.#uplot?.redraw();
  readonly #readout = document.createElement("div");

  /** Everything that differs: height and padding in CSS pixels, series, axes, drawing hooks. */
  protected abstract options(): Pick<uPlot.Options, "height" | "padding" | "series" | "axes" | "scales" | "hooks">;
  protected abstract cellText(cell: Cell, value: number | null): string;

  get view(): ChartView | undefined {
    return this.#view;
  }
  set view(view: ChartView | undefined) {
    this.#view = view;
    if (!view) return;
    this.setAttribute("aria-label", view.label);
    if (this.isConnected) this.#show(view);
  }

  connectedCallback(): void {
    this.setAttribute("role", "img");
    this.#readout.className = "readout";
    this.#resize.observe(this);
    this.#theme.addEventListener("change", this.#repaint);
    if (this.#view) this.#show(this.#view);
  }

  disconnectedCallback(): void {
    this.#resize.disconnect();
    this.#theme.removeEventListener("change", this.#repaint);
    this.#uplot?.destroy();
    this.#uplot = undefined;
    this.#drawn = undefined;
  }

  /** A colour of the page's theme, as it is now. */
  protected color(name: string): string {
    return getComputedStyle(this).getPropertyValue(`--${name}`).trim();
  }

  #show(view: ChartView): void {
    if (this.clientWidth === 0) return;
    const uplot = (this.#uplot ??= this.#created());
    uplot.batch(() => {
      if (this.#drawn !== view.plot) uplot.setData([[...view.plot.times], [...view.plot.values]], false);
      this.#drawn = view.plot;
      uplot.setScale("x", { min: view.from, max: view.to });
    });
  }

  #fit(): void {
    if (!this.#view || this.clientWidth === 0) return;
    if (this.#uplot) this.#uplot.setSize({ width: this.clientWidth, height: this.options().height });
    else this.#show(this.#view);
  }

  #created(): uPlot {
    const options = this.options();
    const base: uPlot.Options = {
      ...options,
      width: this.clientWidth,
      ms: 1,
      legend: { show: false },
      // Touch and mouse read values; nothing zooms by accident while a page is scrolled.
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: "time" } },
      hooks: { ...options.hooks, setCursor: [(plot) => this.#readOut(plot)] },
    };
    const uplot = new uPlot(base, [[], []], this);
    this.append(this.#readout);
    return uplot;
  }

  #readOut(uplot: uPlot): void {
    const index = uplot.cursor.idx;
    const plot = this.#view?.plot;
    const time = index === null || index === undefined ? undefined : plot?.times[index];
    if (!plot || time === undefined || index === null || index === undefined || (uplot.cursor.left ?? -1) < 0) {
      this.#readout.textContent = "";
      return;
    }
    const text = this.cellText(plot.cells[index] ?? null, plot.values[index] ?? null);
    this.#readout.textContent = `${clockText(time, Date.now())}  ${text}`;
  }

  /** The shared time axis: the browser's local time. */
  protected timeAxis(): uPlot.Axis {
    return {
      scale: "x",
      stroke: () => this.color("muted"),
      font: AXIS_FONT,
      size: 24,
      gap: 4,
      space: 72,
      ticks: { show: false },
      grid: { stroke: () => this.color("grid"), width: 1 },
      values: (_plot, ticks, _axis, _space, step) => tickTexts(ticks, step),
    };
  }
}

export const AXIS_FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
