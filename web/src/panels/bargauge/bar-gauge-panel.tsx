import type { PanelProps } from "../types.ts";

export function BarGaugePanel(_: PanelProps) {
  return null;
}
