// The two kinds of panels: bars in groups, and lines over measured points.
import { type Axis, formatValue, makeAxis } from "./axis.ts";
import type { BarPanel, Box, LinePanel, Panel } from "./panel.ts";
import { line, px, text } from "./svg.ts";

interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
  y: Axis;
  svg: string;
}

const GRID = "#e3e3e3";
const TARGET = "#b02a37";
/** Bars closer than this leave no room for the value above them. */
const LABELLED_BAR_WIDTH_MIN = 17;

export function drawBars(panel: BarPanel, box: Box, colourOf: (name: string) => string): string {
  const frame = drawFrame(panel, box);
  const groupWidth = (frame.right - frame.left) / panel.groups.length;
  const barWidth = Math.min(46, (groupWidth * 0.82) / panel.series.length);
  const parts = [frame.svg];
  panel.groups.forEach((group, groupIndex) => {
    const middle = frame.left + groupWidth * (groupIndex + 0.5);
    parts.push(text(middle, frame.bottom + 17, group, { anchor: "middle" }));
    panel.series.forEach(({ name, values }, index) => {
      const value = values[groupIndex];
      if (value === undefined) return;
      const x = middle + (index - panel.series.length / 2) * barWidth;
      const y = frame.y.at(value);
      parts.push(
        `<rect x="${px(x + 1)}" y="${px(y)}" width="${px(barWidth - 2)}" height="${px(frame.bottom - y)}" fill="${colourOf(name)}"/>`,
      );
      if (barWidth >= LABELLED_BAR_WIDTH_MIN)
        parts.push(text(x + barWidth / 2, y - 4, formatValue(value), { size: 9.5, anchor: "middle" }));
    });
  });
  parts.push(drawTarget(panel, frame));
  return parts.join("\n");
}

export function drawLines(panel: LinePanel, box: Box, colourOf: (name: string) => string): string {
  const frame = drawFrame(panel, box);
  const margin = 26;
  const step = (frame.right - frame.left - 2 * margin) / Math.max(1, panel.x.length - 1);
  const xOf = (index: number) => frame.left + margin + index * step;
  const parts = [frame.svg];
  panel.x.forEach((value, index) => {
    parts.push(text(xOf(index), frame.bottom + 17, value.toLocaleString("en-US"), { anchor: "middle" }));
  });
  parts.push(
    text((frame.left + frame.right) / 2, frame.bottom + 35, panel.xLabel, { anchor: "middle", colour: "#555555" }),
  );
  const labels: { x: number; y: number }[] = [];
  for (const { name, values } of panel.series) {
    const points = values.flatMap((value, index) =>
      value === undefined ? [] : [{ x: xOf(index), y: frame.y.at(value), value }],
    );
    const path = points.map((point) => `${px(point.x)},${px(point.y)}`).join(" ");
    parts.push(`<polyline points="${path}" fill="none" stroke="${colourOf(name)}" stroke-width="2"/>`);
    for (const { x, y, value } of points) {
      parts.push(`<circle cx="${px(x)}" cy="${px(y)}" r="3.2" fill="${colourOf(name)}"/>`);
      const labelY = [y - 8, y + 16].find((place) => !labels.some((each) => each.x === x && isNear(each.y, place)));
      if (labelY === undefined) continue;
      labels.push({ x, y: labelY });
      parts.push(text(x, labelY, formatValue(value), { size: 9.5, anchor: "middle", colour: colourOf(name) }));
    }
  }
  parts.push(drawTarget(panel, frame));
  return parts.join("\n");
}

/** Two labels at these heights would be written over each other; the second goes below its point, or is left out. */
function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) < 11;
}

function drawFrame(panel: Panel, box: Box): Frame {
  const frame = {
    left: box.left + 66,
    right: box.left + box.width - 16,
    top: box.top + 34,
    bottom: box.top + box.height - 44,
  };
  const values = panel.series.flatMap((series) => series.values.filter((value) => value !== undefined));
  if (panel.target !== undefined) values.push(panel.target.y);
  const y = makeAxis(panel.yScale ?? "linear", values, { from: frame.bottom, to: frame.top });
  const middle = (frame.top + frame.bottom) / 2;
  const parts = [
    text(box.left + 16, box.top + 14, panel.title, { size: 13, weight: 600 }),
    text(box.left + 18, middle, panel.yLabel, { anchor: "middle", rotate: -90, colour: "#555555" }),
  ];
  for (const tick of y.ticks) {
    parts.push(line(frame.left, y.at(tick), frame.right, y.at(tick), GRID));
    parts.push(text(frame.left - 7, y.at(tick) + 4, formatValue(tick), { anchor: "end", colour: "#555555" }));
  }
  parts.push(line(frame.left, frame.bottom, frame.right, frame.bottom, "#888888"));
  return { ...frame, y, svg: parts.join("\n") };
}

function drawTarget({ target }: Panel, frame: Frame): string {
  if (target === undefined) return "";
  const y = frame.y.at(target.y);
  return `${line(frame.left, y, frame.right, y, TARGET, "5 4")}${text(frame.left + 4, y - 5, target.label, { size: 10, colour: TARGET, hasHalo: true })}`;
}
