import { type DataFrame, type Field, FieldType } from "../grafana/data.ts";
import type { PanelContent } from "../panels/registry.tsx";

/** What a person sees in a panel; carried by its element as `data-panel-state`. */
export type PanelState = "loading" | "data" | "empty" | "error";

/** Decides the state. An error shows as such only if there is nothing else to see. */
export function panelState(
  { frames, errors, isFirstLoad }: { frames: readonly DataFrame[]; errors: readonly string[]; isFirstLoad: boolean },
  content: PanelContent,
): PanelState {
  if (content === "own") return "data";
  if (isFirstLoad) return "loading";
  if (hasContent(frames, content)) return "data";
  return errors.length > 0 ? "error" : "empty";
}

function hasContent(frames: readonly DataFrame[], content: Exclude<PanelContent, "own">): boolean {
  if (content === "rows") return frames.some((frame) => frame.length > 0 && frame.fields.length > 0);
  const isValue = (field: Field, value: unknown) =>
    field.type === FieldType.number
      ? typeof value === "number" && !Number.isNaN(value)
      : content === "values" && value !== null && value !== undefined;
  return frames.some((frame) =>
    frame.fields.some(
      (field) => field.type !== FieldType.time && field.values.some((value: unknown) => isValue(field, value)),
    ),
  );
}
