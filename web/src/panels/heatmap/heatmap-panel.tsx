import type { PanelProps } from "../types.ts";

export function HeatmapPanel(_: PanelProps) {
  return null;
}
