// The few SVG elements that charts are made of.

interface TextStyle {
  size?: number;
  weight?: number;
  colour?: string;
  anchor?: "start" | "middle" | "end";
  /** Degrees. */
  rotate?: number;
  /** White around the letters, for text over bars. */
  hasHalo?: boolean;
}

export function escapeText(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

export function text(x: number, y: number, value: string, style: TextStyle = {}): string {
  const { size = 11, weight = 400, colour = "#222222", anchor = "start", rotate, hasHalo = false } = style;
  const halo = hasHalo ? ' stroke="#ffffff" stroke-width="3" paint-order="stroke"' : "";
  const turned = rotate === undefined ? "" : ` transform="rotate(${rotate} ${px(x)} ${px(y)})"`;
  return `<text x="${px(x)}" y="${px(y)}" font-size="${size}" font-weight="${weight}" fill="${colour}" text-anchor="${anchor}"${turned}${halo}>${escapeText(value)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, colour: string, dashes = ""): string {
  const dashed = dashes === "" ? "" : ` stroke-dasharray="${dashes}"`;
  return `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" stroke="${colour}"${dashed}/>`;
}

/** Tenths of a pixel are fine enough and keep the files small. */
export function px(value: number): number {
  return Math.round(value * 10) / 10;
}
