import type { PanelProps } from "../types.ts";

export function PiePanel(_: PanelProps) {
  return null;
}
