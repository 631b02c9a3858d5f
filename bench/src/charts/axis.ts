// Axes of the charts: from values to pixels, round tick values, short labels.

export type ScaleKind = "linear" | "log";

export interface Axis {
  /** Pixel of a value. */
  at(value: number): number;
  ticks: number[];
}

/** Ticks that a linear axis aims at. */
const TICKS_WANTED = 5;

/** @param pixels where the axis begins and ends. A linear axis begins at 0, a log axis at the power of ten below the least value. */
export function makeAxis(kind: ScaleKind, values: number[], pixels: { from: number; to: number }): Axis {
  const span = pixels.to - pixels.from;
  if (kind === "linear") {
    const step = roundStep(Math.max(...values, 0) / TICKS_WANTED);
    const top = Math.max(step, Math.ceil(Math.max(...values, 0) / step - 1e-9) * step);
    const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
    return { at: (value) => pixels.from + (value / top) * span, ticks };
  }
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive)) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  const at = (value: number) => pixels.from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * span;
  return { at, ticks };
}

/** The next of 1, 2, 5 times a power of ten. */
function roundStep(step: number): number {
  if (step <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(step));
  return power * (step / power <= 1 ? 1 : step / power <= 2 ? 2 : step / power <= 5 ? 5 : 10);
}

/** Two digits are enough on a chart, and leave room between bars. */
export function formatValue(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) >= 10) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(2)));
}
