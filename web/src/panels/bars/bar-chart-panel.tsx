import type { PanelProps } from "../types.ts";

export function BarChartPanel(_: PanelProps) {
  return null;
}
