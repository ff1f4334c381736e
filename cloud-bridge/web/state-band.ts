/** A state channel over time: a band of colours, each run with its name where it fits. */
import type uPlot from "uplot";
import { nameText, reasonText } from "./format.ts";
import { PlotElement } from "./plot-element.ts";
import { type Cell, type StateRun, stateRuns } from "./series.ts";
import { stateName, stateTone } from "./states.ts";

const HEIGHT = 62;

export class StateBand extends PlotElement {
  protected override options(): ReturnType<PlotElement["options"]> {
    return {
      height: HEIGHT,
      // The first label of the time axis is centred on its tick and has no value axis beside it.
      padding: [8, 10, 0, 16],
      series: [{}, { paths: () => null, points: { show: false } }],
      scales: { x: { time: true }, y: { range: [0, 1] } },
      axes: [{ ...this.timeAxis(), grid: { show: false } }, { show: false }],
      hooks: { draw: [(plot) => this.#drawRuns(plot)] },
    };
  }

  protected override cellText(cell: Cell, value: number | null): string {
    if (typeof cell === "string" && value === null) return cell === "silence" ? "no samples" : reasonText(cell);
    return this.view && value !== null ? nameText(stateName(this.view.channel, value)) : "";
  }

  #drawRuns(plot: uPlot): void {
    const view = this.view;
    if (!view) return;
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = this.color("gap");
    ctx.fillRect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    const runs = stateRuns(view.plot);
    for (const run of runs) if (run.to >= view.from && run.from <= view.to) this.#drawRun(plot, run);
    ctx.restore();
  }

  #drawRun(plot: uPlot, run: StateRun): void {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const channel = this.view?.channel;
    if (!channel) return;
    const left = Math.max(bbox.left, plot.valToPos(run.from, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(run.to, "x", true));
    const width = Math.max(right - left, ratio);
    const tone = stateTone(channel, run.state);
    ctx.fillStyle = this.color(tone);
    // A hair between runs, so that two neighbours of similar colour are still two.
    ctx.fillRect(left, bbox.top, Math.max(width - ratio, ratio), bbox.height);

    const text = nameText(stateName(channel, run.state));
    ctx.font = `500 ${11.5 * ratio}px system-ui, sans-serif`;
    if (ctx.measureText(text).width + 14 * ratio > width) return;
    ctx.fillStyle = this.color(`on-${tone}`);
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.fillText(text, left + 7 * ratio, bbox.top + bbox.height / 2);
  }
}
