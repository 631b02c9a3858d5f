// Draws a chart as SVG: a title, one legend, and one or more panels side by side. Light background, so that it reads anywhere.
import { drawBars, drawLines } from "./draw-panels.ts";
import type { Panel } from "./panel.ts";
import { escapeText, px, text } from "./svg.ts";

export interface Chart {
  title: string;
  /** Machine and date. */
  subtitle: string;
  panels: Panel[];
}

const COLOURS = ["#1d5fd1", "#e07b00", "#2b8a3e", "#9c36b5", "#c92a2a"];
const PANEL_WIDTH = 440;
const SINGLE_PANEL_WIDTH = 640;
const PANEL_HEIGHT = 300;
const TITLE_HEIGHT = 62;
const LEGEND_LINE_HEIGHT = 20;

export function drawChart(chart: Chart): string {
  const panelWidth = chart.panels.length === 1 ? SINGLE_PANEL_WIDTH : PANEL_WIDTH;
  const width = panelWidth * chart.panels.length;
  const names = [...new Set(chart.panels.flatMap((panel) => panel.series.map((series) => series.name)))];
  const colourOf = (name: string) => COLOURS[names.indexOf(name) % COLOURS.length]!;
  const needsLegend = chart.panels.some((panel) => panel.series.length > 1);
  const legend = needsLegend ? drawLegend(names, colourOf, width) : { svg: "", height: 0 };
  const top = TITLE_HEIGHT + legend.height;
  const height = top + PANEL_HEIGHT;
  const panels = chart.panels.map((panel, index) => {
    const box = { left: index * panelWidth, top, width: panelWidth, height: PANEL_HEIGHT };
    return panel.kind === "bars" ? drawBars(panel, box, colourOf) : drawLines(panel, box, colourOf);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeText(chart.title)}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(16, 26, chart.title, { size: 16, weight: 600 }),
    text(16, 45, chart.subtitle, { size: 11, colour: "#666666" }),
    legend.svg,
    ...panels,
    "</svg>\n",
  ].join("\n");
}

/** Entries side by side, as many as a line holds. */
function drawLegend(names: string[], colourOf: (name: string) => string, width: number) {
  const entries: string[] = [];
  let left = 16;
  let y = TITLE_HEIGHT;
  for (const name of names) {
    const entryWidth = 37 + name.length * 6.8;
    if (left > 16 && left + entryWidth > width) {
      left = 16;
      y += LEGEND_LINE_HEIGHT;
    }
    entries.push(`<rect x="${px(left)}" y="${y - 5}" width="12" height="12" rx="2" fill="${colourOf(name)}"/>`);
    entries.push(text(left + 17, y + 5, name, { size: 12 }));
    left += entryWidth;
  }
  return { svg: entries.join("\n"), height: y + 30 - TITLE_HEIGHT };
}
