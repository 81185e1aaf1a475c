import type { FieldConfigSource } from "../grafana/data.ts";
import { readVariable } from "../variables/model.ts";
import { migrateLegacyPanel } from "./migrate-legacy.ts";
import type {
  DashboardLink,
  DashboardModel,
  GridPos,
  PanelModel,
  QueryTarget,
  Section,
  Transformation,
} from "./types.ts";

type Json = Record<string, unknown>;

const DEFAULT_REFRESH_INTERVALS = ["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h"];

/**
 * Reads a Grafana dashboard document of schema version 27 to 41 (older row layouts too) into our model. Never throws on
 * strange content: what cannot be read becomes a default, so that one odd panel does not cost the page.
 */
export function migrateDashboard(json: Json): DashboardModel {
  const time = asObject(json["time"]);
  const templating = asObject(json["templating"]);
  const timepicker = asObject(json["timepicker"]);
  return {
    uid: asText(json["uid"]),
    title: asText(json["title"], "Untitled"),
    description: asText(json["description"]),
    tags: asArray(json["tags"]).map(String),
    time: { from: asText(time["from"], "now-6h"), to: asText(time["to"], "now") },
    refresh: typeof json["refresh"] === "string" ? json["refresh"] : "",
    refreshIntervals: asArray(timepicker["refresh_intervals"])
      .map(String)
      .filter(Boolean)
      .concat(asArray(timepicker["refresh_intervals"]).length === 0 ? DEFAULT_REFRESH_INTERVALS : []),
    timeZone: asText(json["timezone"], "browser") || "browser",
    graphTooltip: Number(json["graphTooltip"] ?? 0),
    variables: asArray(templating["list"]).map((entry) => readVariable(asObject(entry))),
    links: asArray(json["links"]).map((entry) => readLink(asObject(entry))),
    sections: readSections(json),
  };
}

function readLink(json: Json): DashboardLink {
  return {
    title: asText(json["title"]),
    type: json["type"] === "dashboards" ? "dashboards" : "link",
    url: asText(json["url"]),
    tags: asArray(json["tags"]).map(String),
    targetBlank: json["targetBlank"] === true,
    includeVars: json["includeVars"] === true,
    keepTime: json["keepTime"] === true,
  };
}

/**
 * Cuts the panel list at its rows. A folded row carries its panels inside itself; an open row owns those that follow
 * it on the grid.
 */
function readSections(json: Json): Section[] {
  const panels = asArray(json["panels"]).map(asObject);
  if (panels.length === 0 && Array.isArray(json["rows"])) return readLegacyRows(json["rows"].map(asObject));
  const ordered = [...panels].sort((a, b) => {
    const left = readGridPos(a);
    const right = readGridPos(b);
    return left.y - right.y || left.x - right.x;
  });
  const sections: Section[] = [{ key: "top", row: undefined, panels: [], scoped: {} }];
  let nextId = 100_000;
  for (const panel of ordered) {
    if (panel["type"] !== "row") {
      sections.at(-1)!.panels.push(readPanel(panel, nextId++));
      continue;
    }
    const id = Number(panel["id"] ?? nextId++);
    sections.push({
      key: `row-${id}-${sections.length}`,
      row: {
        id,
        title: asText(panel["title"], "Row"),
        collapsed: panel["collapsed"] === true,
        repeat: asOptionalText(panel["repeat"]),
      },
      panels: asArray(panel["panels"]).map((child) => readPanel(asObject(child), nextId++)),
      scoped: {},
    });
  }
  return makeKeysUnique(sections.filter((section) => section.row !== undefined || section.panels.length > 0));
}

/** Documents may reuse an id; React and tests need one key per element. */
function makeKeysUnique(sections: Section[]): Section[] {
  const seen = new Set<string>();
  for (const panel of sections.flatMap((section) => section.panels)) {
    while (seen.has(panel.key)) panel.key += "'";
    seen.add(panel.key);
  }
  return sections;
}

/** The layout before schema version 16: rows of panels with a span of 12 and a height in pixels. */
function readLegacyRows(rows: Json[]): Section[] {
  let nextId = 100_000;
  return rows.map((row, index) => {
    const heightUnits = Math.max(3, Math.round((Number.parseInt(String(row["height"] ?? "250"), 10) || 250) / 36));
    let x = 0;
    let y = 0;
    const panels = asArray(row["panels"]).map((entry) => {
      const json = asObject(entry);
      const w = Math.min(24, Math.max(1, Math.round(Number(json["span"] ?? 6) * 2)));
      if (x + w > 24) {
        x = 0;
        y += heightUnits;
      }
      const panel = readPanel({ ...json, gridPos: { x, y, w, h: heightUnits } }, nextId++);
      x += w;
      return panel;
    });
    const title = asText(row["title"], "Row");
    const row_ = { id: nextId++, title, collapsed: row["collapse"] === true, repeat: asOptionalText(row["repeat"]) };
    return {
      key: `row-${index}`,
      row: row["showTitle"] === false && index === 0 ? undefined : row_,
      panels,
      scoped: {},
    };
  });
}

function readPanel(source: Json, fallbackId: number): PanelModel {
  const json = migrateLegacyPanel(source);
  const id = Number(json["id"] ?? fallbackId) || fallbackId;
  const fieldConfig = asObject(json["fieldConfig"]);
  const targets = asArray(json["targets"]).map((entry, index) => readTarget(asObject(entry), index));
  return {
    id,
    key: String(id),
    type: asText(json["type"], "table"),
    title: asText(json["title"]),
    description: asText(json["description"]),
    gridPos: readGridPos(json),
    // As Grafana's own migration does: a panel without a source takes its first query's.
    datasource: (json["datasource"] ??
      targets.find((target) => target.datasource)?.datasource) as PanelModel["datasource"],
    targets,
    options: asObject(json["options"]),
    fieldConfig: {
      defaults: asObject(fieldConfig["defaults"]) as FieldConfigSource["defaults"],
      overrides: asArray(fieldConfig["overrides"]).filter(isOverride) as FieldConfigSource["overrides"],
    },
    transformations: asArray(json["transformations"]).map((entry) => asObject(entry) as unknown as Transformation),
    links: asArray(json["links"]).map((entry) => {
      const link = asObject(entry);
      return {
        title: asText(link["title"], "Link"),
        url: asText(link["url"]),
        targetBlank: link["targetBlank"] === true,
      };
    }),
    interval: asOptionalText(json["interval"]),
    maxDataPoints: Number(json["maxDataPoints"] ?? 0) || undefined,
    timeFrom: asOptionalText(json["timeFrom"]),
    timeShift: asOptionalText(json["timeShift"]),
    transparent: json["transparent"] === true,
    repeat: asOptionalText(json["repeat"]),
    repeatDirection: json["repeatDirection"] === "v" ? "v" : "h",
    maxPerRow: Number(json["maxPerRow"] ?? 4) || 4,
    scoped: {},
  };
}

function readTarget(json: Json, index: number): QueryTarget {
  const refId = asText(json["refId"], String.fromCharCode(65 + (index % 26)));
  return { ...json, refId } as QueryTarget;
}

function isOverride(value: unknown): boolean {
  const rule = asObject(value);
  return typeof asObject(rule["matcher"])["id"] === "string" && Array.isArray(rule["properties"]);
}

function readGridPos(json: Json): GridPos {
  const pos = asObject(json["gridPos"]);
  const w = Math.min(24, Math.max(1, Number(pos["w"] ?? 12) || 12));
  const x = Math.min(24 - w, Math.max(0, Number(pos["x"] ?? 0) || 0));
  return { x, y: Math.max(0, Number(pos["y"] ?? 0) || 0), w, h: Math.max(1, Number(pos["h"] ?? 8) || 8) };
}

function asObject(value: unknown): Json {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Json) : {};
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function asText(value: unknown, fallback = ""): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : fallback;
}

function asOptionalText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
