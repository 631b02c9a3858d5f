// Keeps a chart where the documentation shows it.
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Chart, drawChart } from "./chart.ts";

const CHARTS_DIR = fileURLToPath(new URL("../../../docs/charts/", import.meta.url));

/** Writes `docs/charts/NAME.svg`. */
export async function writeChart(name: string, chart: Chart): Promise<void> {
  await mkdir(CHARTS_DIR, { recursive: true });
  await writeFile(`${CHARTS_DIR}${name}.svg`, drawChart(chart));
  console.log(`drawn in docs/charts/${name}.svg`);
}
