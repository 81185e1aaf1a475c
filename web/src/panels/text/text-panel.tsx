import type { PanelProps } from "../types.ts";

export function TextPanel(_: PanelProps) {
  return null;
}
