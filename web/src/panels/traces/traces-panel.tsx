import type { PanelProps } from "../types.ts";

export function TracesPanel(_: PanelProps) {
  return null;
}
