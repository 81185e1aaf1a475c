import type { PanelProps } from "../types.ts";

export function StateTimelinePanel(_: PanelProps) {
  return null;
}
