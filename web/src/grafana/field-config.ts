import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  type DataFrame,
  type Field,
  FieldConfigOptionsRegistry,
  type FieldConfigPropertyItem,
  type FieldConfigSource,
  type FieldOverrideContext,
  FieldType,
  type GrafanaTheme2,
  type InterpolateFunction,
  type ThresholdsConfig,
} from "@grafana/data";

/** Field options that every panel type understands, in the order in which Grafana's own editor applies them. */
const STANDARD_PATHS = [
  "description",
  "displayName",
  "unit",
  "min",
  "max",
  "fieldMinMax",
  "decimals",
  "color",
  "noValue",
  "links",
  "mappings",
  "thresholds",
  "filterable",
] as const;

export interface FieldConfigInput {
  frames: DataFrame[];
  fieldConfig: FieldConfigSource;
  theme: GrafanaTheme2;
  timeZone: string;
  replaceVariables: InterpolateFunction;
}

/**
 * Applies a panel's field config (defaults, then overrides) and gives each field its display function, links and
 * name. Returns new frames; the input is not changed.
 */
export function applyFieldConfig(input: FieldConfigInput): DataFrame[] {
  const frames = applyFieldOverrides({
    data: input.frames,
    fieldConfig: input.fieldConfig,
    replaceVariables: input.replaceVariables,
    theme: input.theme,
    timeZone: input.timeZone,
    fieldConfigRegistry: optionsRegistry(input.fieldConfig),
  });
  // After the overrides: they may rename fields, and the cache keeps the first answer.
  cacheFieldDisplayNames(frames);
  return frames;
}

/**
 * A registry that knows the standard options and every `custom.*` option this panel mentions. Grafana's panels
 * declare their custom options one by one; ours read them by name, so the document itself is the declaration.
 */
function optionsRegistry(fieldConfig: FieldConfigSource): FieldConfigOptionsRegistry {
  const items: FieldConfigPropertyItem[] = STANDARD_PATHS.map((path) => item(path, path, false));
  const custom = new Set(Object.keys((fieldConfig.defaults.custom ?? {}) as Record<string, unknown>));
  for (const override of fieldConfig.overrides) {
    for (const property of override.properties) {
      if (property.id.startsWith("custom.")) custom.add(property.id.slice("custom.".length));
    }
  }
  // Parents before children: `hideFrom` must be set before `hideFrom.legend` refines it.
  for (const path of [...custom].sort()) items.push(item(`custom.${path}`, path, true));
  return new FieldConfigOptionsRegistry(() => items);
}

function item(id: string, path: string, isCustom: boolean): FieldConfigPropertyItem {
  return {
    id,
    path,
    isCustom,
    name: path,
    editor: () => null,
    override: () => null,
    process: (value: unknown, context: FieldOverrideContext) => processOption(path, value, context),
    // A unit or a display name meant for values would turn the time column into nonsense.
    shouldApply: (field: Field) => field.type !== FieldType.time || isCustom,
    settings: {},
  } as unknown as FieldConfigPropertyItem;
}

function processOption(path: string, value: unknown, context: FieldOverrideContext): unknown {
  if (path === "thresholds") return openBaseStep(value);
  if (path === "displayName" && typeof value === "string" && value.includes("$")) {
    // A template that fills to nothing leaves the field its own name.
    return context.replaceVariables?.(value, context.field?.state?.scopedVars) || undefined;
  }
  return value;
}

/** JSON cannot hold -Infinity, so dashboards store the base step as null; Grafana's code wants the number. */
function openBaseStep(value: unknown): ThresholdsConfig | undefined {
  const thresholds = value as ThresholdsConfig | undefined;
  if (thresholds?.steps === undefined || thresholds.steps.length === 0) return undefined;
  const steps = thresholds.steps
    .map((step, index) => ({ ...step, value: step.value ?? (index === 0 ? Number.NEGATIVE_INFINITY : 0) }))
    .sort((a, b) => a.value - b.value);
  return { ...thresholds, mode: thresholds.mode ?? "absolute", steps };
}
