/** Brings panels of retired types and old value mappings to today's shape, as far as that loses nothing visible. */

type Json = Record<string, unknown>;

/** Returns the panel with a living type and modern options; a modern panel comes back as it is. */
export function migrateLegacyPanel(panel: Json): Json {
  const modern = { ...panel, fieldConfig: migrateMappings(panel["fieldConfig"]) };
  switch (panel["type"]) {
    case "graph":
      return migrateGraph(modern);
    case "singlestat":
    case "grafana-singlestat-panel":
      return migrateSinglestat(modern);
    case "table-old":
      return { ...modern, type: "table" };
    case "grafana-piechart-panel":
      return { ...modern, type: "piechart" };
    default:
      return modern;
  }
}

interface LegacyMapping {
  type?: unknown;
  value?: string;
  text?: string;
  from?: string;
  to?: string;
}

/** Before schema version 30 a mapping was `{type: 1, value, text}` or `{type: 2, from, to, text}`. */
function migrateMappings(fieldConfig: unknown): unknown {
  const config = fieldConfig as { defaults?: { mappings?: unknown } } | undefined;
  const mappings = config?.defaults?.mappings;
  if (!Array.isArray(mappings) || !mappings.some((mapping) => typeof (mapping as LegacyMapping).type === "number"))
    return fieldConfig;
  const migrated = (mappings as LegacyMapping[]).map((mapping, index) => {
    if (typeof mapping.type !== "number") return mapping;
    if (mapping.type === 2) {
      return {
        type: "range",
        options: {
          from: Number(mapping.from ?? 0),
          to: Number(mapping.to ?? 0),
          result: { text: mapping.text, index },
        },
      };
    }
    if (mapping.value === "null")
      return { type: "special", options: { match: "null", result: { text: mapping.text, index } } };
    return { type: "value", options: { [mapping.value ?? ""]: { text: mapping.text, index } } };
  });
  return { ...config, defaults: { ...config?.defaults, mappings: migrated } };
}

function migrateGraph(panel: Json): Json {
  const yaxes = Array.isArray(panel["yaxes"]) ? (panel["yaxes"] as Json[]) : [];
  const left = yaxes[0] ?? {};
  const legend = (panel["legend"] ?? {}) as Json;
  const bars = panel["bars"] === true;
  const calcs = [
    ["avg", "mean"],
    ["current", "lastNotNull"],
    ["max", "max"],
    ["min", "min"],
    ["total", "sum"],
  ].flatMap(([old, calc]) => (legend[old!] === true ? [calc] : []));
  return {
    ...panel,
    type: "timeseries",
    fieldConfig: {
      overrides: [],
      defaults: {
        unit: left["format"],
        min: left["min"] === null || left["min"] === undefined ? undefined : Number(left["min"]),
        max: left["max"] === null || left["max"] === undefined ? undefined : Number(left["max"]),
        custom: {
          drawStyle: bars ? "bars" : panel["lines"] === false ? "points" : "line",
          lineWidth: panel["linewidth"] ?? 1,
          fillOpacity: bars ? 100 : Number(panel["fill"] ?? 1) * 10,
          spanNulls: panel["nullPointMode"] === "connected",
          stacking: {
            mode: panel["stack"] === true ? (panel["percentage"] === true ? "percent" : "normal") : "none",
            group: "A",
          },
          scaleDistribution:
            Number(left["logBase"] ?? 1) > 1 ? { type: "log", log: left["logBase"] } : { type: "linear" },
        },
      },
    },
    options: {
      legend: {
        showLegend: legend["show"] !== false,
        displayMode: legend["alignAsTable"] === true ? "table" : "list",
        placement: legend["rightSide"] === true ? "right" : "bottom",
        calcs,
      },
      tooltip: { mode: "multi", sort: "none" },
    },
  };
}

function migrateSinglestat(panel: Json): Json {
  const colors = Array.isArray(panel["colors"]) ? panel["colors"].map(String) : ["green", "orange", "red"];
  const limits = String(panel["thresholds"] ?? "")
    .split(",")
    .filter((part) => part.trim() !== "");
  const coloured = panel["colorValue"] === true || panel["colorBackground"] === true;
  const gauge = (panel["gauge"] as Json | undefined)?.["show"] === true;
  const calcs: Record<string, string> = { avg: "mean", current: "lastNotNull", total: "sum", name: "lastNotNull" };
  const valueName = String(panel["valueName"] ?? "avg");
  return {
    ...panel,
    type: gauge ? "gauge" : "stat",
    fieldConfig: {
      overrides: [],
      defaults: {
        unit: panel["format"],
        decimals: panel["decimals"],
        thresholds: {
          mode: "absolute",
          steps: [
            { color: coloured ? colors[0] : "text", value: null },
            ...limits.map((limit, index) => ({ color: coloured ? colors[index + 1] : "text", value: Number(limit) })),
          ],
        },
      },
    },
    options: {
      colorMode: panel["colorBackground"] === true ? "background" : "value",
      graphMode: (panel["sparkline"] as Json | undefined)?.["show"] === true ? "area" : "none",
      reduceOptions: { calcs: [calcs[valueName] ?? valueName], fields: "", values: false },
    },
  };
}
