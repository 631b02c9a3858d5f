// What a panel of a chart shows.

interface PanelBase {
  title: string;
  yLabel: string;
  /** @default linear */
  yScale?: "linear" | "log";
  /** A line across the panel that says what is wanted. */
  target?: { y: number; label: string };
}

export interface LinePanel extends PanelBase {
  kind: "lines";
  xLabel: string;
  /** The values of x that were measured, in order; they are spaced evenly. */
  x: number[];
  series: { name: string; values: (number | undefined)[] }[];
}

export interface BarPanel extends PanelBase {
  kind: "bars";
  groups: string[];
  series: { name: string; values: (number | undefined)[] }[];
}

export type Panel = LinePanel | BarPanel;

/** Where a panel is drawn, in pixels. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}
