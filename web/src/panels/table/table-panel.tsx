import type { PanelProps } from "../types.ts";

export function TablePanel(_: PanelProps) {
  return null;
}
