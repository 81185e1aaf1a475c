import { DASHBOARD_UID, type DataSourceDirectory, isGrafanaBuiltin, MIXED_UID, refName } from "../api/data-sources.ts";
import type { DataSource, DataSourceRef } from "../api/types.ts";
import type { PanelModel, QueryTarget } from "../dashboard/types.ts";
import type { DataFrame } from "../grafana/data.ts";
import { formatDuration, parseDurationMs, type TimeRange } from "../time/range.ts";
import { type DefaultFormat, interpolate, type VariableScope } from "../variables/interpolate.ts";
import type { ScopedValues } from "../variables/types.ts";
import { runLoki } from "./loki.ts";
import { runPrometheus } from "./prometheus.ts";
import { schedule } from "./scheduler.ts";
import { runTempo } from "./tempo.ts";
import type { QueryRunner } from "./types.ts";

const RUNNERS: Record<string, QueryRunner> = { prometheus: runPrometheus, loki: runLoki, tempo: runTempo };

/** Panels may show another panel's queries (`-- Dashboard --`); a chain longer than this is a loop. */
const DASHBOARD_SOURCE_DEPTH_MAX = 3;

export interface PanelQuery {
  panel: PanelModel;
  directory: DataSourceDirectory;
  scope: VariableScope;
  /** Width of the panel in pixels: one point per pixel is all that can be seen. */
  pointsMax: number;
  signal: AbortSignal;
  /** Finds another panel of the page, for `-- Dashboard --`. */
  findPanel: (id: number) => PanelModel | undefined;
}

/** What the queries of a panel gave. Errors of some queries do not hide the data of the others. */
export interface PanelAnswer {
  frames: DataFrame[];
  errors: string[];
  range: TimeRange;
}

/** Runs all visible queries of a panel. Rejects only when cancelled. */
export async function runPanelQueries(query: PanelQuery, depth = 0): Promise<PanelAnswer> {
  const { panel, signal } = query;
  const range = panelRange(panel, query.scope);
  const targets = panel.targets.filter((target) => target.hide !== true);
  const results = await Promise.allSettled(
    targets.map((target) => runTarget({ ...query, scope: { ...query.scope, range } }, target, depth)),
  );
  signal.throwIfAborted();
  const frames: DataFrame[] = [];
  const errors: string[] = [];
  for (const result of results) {
    if (result.status === "fulfilled") frames.push(...result.value);
    else errors.push(result.reason instanceof Error ? result.reason.message : String(result.reason));
  }
  return { frames, errors: [...new Set(errors)], range };
}

async function runTarget(query: PanelQuery, target: QueryTarget, depth: number): Promise<DataFrame[]> {
  const { panel, directory, scope, signal } = query;
  const fill = (text: string, scoped: ScopedValues = {}, format: DefaultFormat = "glob") =>
    interpolate(text, scope, { ...panel.scoped, ...scoped }, format);
  const ref = targetSource(panel, target);
  if (refName(ref) === DASHBOARD_UID) return runOtherPanel(query, target, depth);
  if (isGrafanaBuiltin(ref)) return [];
  const source = directory.resolve(ref, fill);
  const runner = RUNNERS[source.type];
  if (runner === undefined)
    throw new Error(`Data source "${source.name}" has the type "${source.type}", which has no query runner here.`);
  return schedule(
    () =>
      runner({
        source,
        directory,
        target:
          target.format === undefined && panel.type === "heatmap" && source.type === "prometheus"
            ? { ...target, format: "heatmap" }
            : target,
        range: scope.range,
        pointsMax: panel.maxDataPoints ?? query.pointsMax,
        minInterval: panel.interval === undefined ? undefined : fill(panel.interval),
        tableValueName: tableCount(panel) > 1 ? `Value #${target.refId}` : "Value",
        interpolate: fill,
        signal,
      }),
    signal,
  );
}

function tableCount(panel: PanelModel): number {
  return panel.targets.filter((target) => target.format === "table" && target.hide !== true).length;
}

/** The query's own source counts only in a mixed panel, as in Grafana. */
function targetSource(panel: PanelModel, target: QueryTarget): DataSourceRef {
  const panelName = refName(panel.datasource);
  if (panelName === MIXED_UID || panel.datasource === undefined || panel.datasource === null) return target.datasource;
  return panel.datasource;
}

async function runOtherPanel(query: PanelQuery, target: QueryTarget, depth: number): Promise<DataFrame[]> {
  const other = query.findPanel(Number(target.panelId ?? -1));
  if (other === undefined)
    throw new Error(`This panel shows the data of panel ${target.panelId ?? "?"}, which is not on the page.`);
  if (depth >= DASHBOARD_SOURCE_DEPTH_MAX) throw new Error("Panels show each other's data in a circle.");
  const answer = await runPanelQueries({ ...query, panel: other }, depth + 1);
  if (answer.errors.length > 0) throw new Error(answer.errors.join("; "));
  return answer.frames;
}

/** The data source that a panel mainly speaks to, for links to Explore; undefined if it cannot be told. */
export function panelSource(
  panel: PanelModel,
  directory: DataSourceDirectory,
  scope: VariableScope,
): DataSource | undefined {
  const target = panel.targets[0];
  if (target === undefined) return undefined;
  try {
    return directory.resolve(targetSource(panel, target), (text) => interpolate(text, scope, panel.scoped));
  } catch {
    return undefined;
  }
}

/** A panel's own range: `timeFrom` replaces the length, `timeShift` moves it into the past. */
function panelRange(panel: PanelModel, scope: VariableScope): TimeRange {
  let { fromMs, toMs } = scope.range;
  const fill = (text: string | undefined) =>
    text === undefined ? undefined : parseDurationMs(interpolate(text, scope, panel.scoped).replace(/^now-/, ""));
  const lengthMs = fill(panel.timeFrom);
  if (lengthMs !== undefined) fromMs = toMs - lengthMs;
  const shiftMs = fill(panel.timeShift);
  if (shiftMs !== undefined) {
    fromMs -= shiftMs;
    toMs -= shiftMs;
  }
  return { ...scope.range, fromMs, toMs };
}

/** Text for a panel whose range differs from the page's, such as "Last 5m"; undefined if it does not. */
export function rangeNotice(panel: PanelModel): string | undefined {
  const lengthMs = panel.timeFrom === undefined ? undefined : parseDurationMs(panel.timeFrom.replace(/^now-/, ""));
  const parts = [
    lengthMs === undefined ? undefined : `Last ${formatDuration(lengthMs)}`,
    panel.timeShift === undefined ? undefined : `shifted by ${panel.timeShift}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(", ");
}
