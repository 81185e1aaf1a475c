import type { PanelProps } from "../types.ts";

export function NodeGraphPanel(_: PanelProps) {
  return null;
}
