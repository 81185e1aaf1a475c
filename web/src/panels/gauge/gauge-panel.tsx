import type { PanelProps } from "../types.ts";

export function GaugePanel(_: PanelProps) {
  return null;
}
