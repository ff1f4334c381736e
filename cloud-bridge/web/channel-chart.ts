/** A gauge's or counter's line. Where values are missing the line breaks, and the gap is hatched with its reason. */
import type uPlot from "uplot";
import { isUnchanged, numberText, reasonText, unitText } from "./format.ts";
import { AXIS_FONT, PlotElement } from "./plot-element.ts";
import { axisRange, type Cell, type Gap } from "./series.ts";

const HEIGHT = 132;

export class ChannelChart extends PlotElement {
  protected override options(): ReturnType<PlotElement["options"]> {
    return {
      height: HEIGHT,
      padding: [8, 10, 0, 0],
      series: [
        {},
        {
          stroke: () => this.color("line"),
          fill: () => this.color("line-fill"),
          width: 1.5,
          points: { size: 4, stroke: () => this.color("line"), fill: () => this.color("line") },
        },
      ],
      scales: {
        x: { time: true },
        y: { range: (_plot, low, high) => axisRange(low, high, this.view?.channel.resolution ?? 1) },
      },
      axes: [this.timeAxis(), this.#valueAxis()],
      hooks: { drawClear: [(plot) => this.#drawGaps(plot)] },
    };
  }

  #valueAxis(): uPlot.Axis {
    return {
      stroke: () => this.color("muted"),
      font: AXIS_FONT,
      size: 52,
      gap: 6,
      space: 28,
      ticks: { show: false },
      grid: { stroke: () => this.color("grid"), width: 1 },
      values: (_plot, ticks, _axis, _space, step) => ticks.map((tick) => numberText(tick, step)),
    };
  }

  protected override cellText(cell: Cell, value: number | null): string {
    const { channel } = this.view ?? {};
    if (!channel) return "";
    const shown = value === null ? "" : `${numberText(value, channel.resolution)} ${unitText(channel.unit)}`.trim();
    if (typeof cell !== "string") return shown;
    return isUnchanged(cell) ? `${shown} (unchanged)` : gapText(cell);
  }

  #drawGaps(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const view = this.view;
    if (!view) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const gap of view.plot.gaps) if (gap.to >= view.from && gap.from <= view.to) this.#drawGap(plot, gap);
    ctx.restore();
  }

  #drawGap(plot: uPlot, gap: Gap): void {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    const left = Math.max(bbox.left, plot.valToPos(gap.from, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(gap.to, "x", true));
    // A single missing sample must still be seen.
    const width = Math.max(right - left, 3 * ratio);
    ctx.fillStyle = this.color("gap");
    ctx.fillRect(left, bbox.top, width, bbox.height);
    hatch(ctx, { left, top: bbox.top, width, height: bbox.height }, this.color("gap-line"), ratio);

    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    const text = gapText(gap.reason);
    if (ctx.measureText(text).width + 12 * ratio > width) return;
    ctx.fillStyle = this.color("muted");
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(text, left + width / 2, bbox.top + bbox.height / 2);
  }
}

const gapText = (reason: string): string => (reason === "silence" ? "no samples" : reasonText(reason));

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function hatch(ctx: CanvasRenderingContext2D, box: Box, stroke: string, ratio: number): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top, box.width, box.height);
  ctx.clip();
  ctx.strokeStyle = stroke;
  ctx.lineWidth = ratio;
  ctx.beginPath();
  const step = 7 * ratio;
  // Anchored to the canvas, not to the gap, so that the hatching doesn't swim while time moves on.
  const first = Math.floor((box.left - box.height) / step) * step;
  for (let x = first; x < box.left + box.width; x += step) {
    ctx.moveTo(x, box.top + box.height);
    ctx.lineTo(x + box.height, box.top);
  }
  ctx.stroke();
  ctx.restore();
}
