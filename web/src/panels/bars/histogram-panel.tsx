import type { PanelProps } from "../types.ts";

export function HistogramPanel(_: PanelProps) {
  return null;
}
