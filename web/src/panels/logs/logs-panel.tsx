import type { PanelProps } from "../types.ts";

export function LogsPanel(_: PanelProps) {
  return null;
}
