// Draws a chart as SVG: a title, one legend, and one or more panels side by side. Light background, so that it reads anywhere.
import { drawBars, drawLines } from "./draw-panels.ts";
import type { Panel } from "./panel.ts";
import { escapeText, text } from "./svg.ts";

export interface Chart {
  title: string;
  /** Machine and date. */
  subtitle: string;
  panels: Panel[];
}

const COLOURS = ["#1d5fd1", "#e07b00", "#2b8a3e", "#9c36b5", "#c92a2a"];
const PANEL_WIDTH = 440;
const PANEL_HEIGHT = 300;
const HEADER_HEIGHT = 92;

export function drawChart(chart: Chart): string {
  const width = PANEL_WIDTH * chart.panels.length;
  const height = HEADER_HEIGHT + PANEL_HEIGHT;
  const names = [...new Set(chart.panels.flatMap((panel) => panel.series.map((series) => series.name)))];
  const colourOf = (name: string) => COLOURS[names.indexOf(name) % COLOURS.length]!;
  const panels = chart.panels.map((panel, index) => {
    const box = { left: index * PANEL_WIDTH, top: HEADER_HEIGHT, width: PANEL_WIDTH, height: PANEL_HEIGHT };
    return panel.kind === "bars" ? drawBars(panel, box, colourOf) : drawLines(panel, box, colourOf);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeText(chart.title)}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(16, 26, chart.title, { size: 16, weight: 600 }),
    text(16, 45, chart.subtitle, { size: 11, colour: "#666666" }),
    names.length > 1 ? drawLegend(names, colourOf) : "",
    ...panels,
    "</svg>\n",
  ].join("\n");
}

function drawLegend(names: string[], colourOf: (name: string) => string): string {
  let left = 16;
  return names
    .map((name) => {
      const entry = `<rect x="${left}" y="57" width="12" height="12" rx="2" fill="${colourOf(name)}"/>${text(left + 17, 67, name, { size: 12 })}`;
      left += 17 + name.length * 6.8 + 20;
      return entry;
    })
    .join("");
}
