import { useEffect, useMemo, useRef, useState } from "react";
import type { DataSourceDirectory } from "../api/data-sources.ts";
import { useTheme } from "../app/theme.tsx";
import { withDataVariables } from "../grafana/data-context.ts";
import { applyFieldConfig } from "../grafana/field-config.ts";
import { grafanaTheme } from "../grafana/themes.ts";
import { panelType, useDrawing } from "../panels/registry.tsx";
import type { PanelHost } from "../panels/types.ts";
import { rangeNotice } from "../query/run-panel.ts";
import { ErrorBoundary } from "../ui/error-boundary.tsx";
import { useElementSize } from "../ui/use-element-size.ts";
import { interpolate, type VariableScope } from "../variables/interpolate.ts";
import type { ScopedValues } from "../variables/types.ts";
import { PanelHeader } from "./panel-header.tsx";
import { panelState } from "./panel-state.ts";
import type { PanelModel } from "./types.ts";
import { useNearViewport } from "./use-near-viewport.ts";
import { usePanelData } from "./use-panel-data.ts";

export interface PanelCardProps {
  panel: PanelModel;
  directory: DataSourceDirectory;
  /** Undefined while variables load. */
  scope: VariableScope | undefined;
  timeZone: string;
  cursorKey: string | undefined;
  setTimeRange: ((fromMs: number, toMs: number) => void) | undefined;
  findPanel: (id: number) => PanelModel | undefined;
  /** Shows a panel alone; undefined where there is nothing to leave. */
  onView: ((panel: PanelModel) => void) | undefined;
}

/** A panel's frame: header, state, and its drawing. `data-panel-state` says what a person sees. */
export function PanelCard(props: PanelCardProps) {
  const root = useRef<HTMLElement>(null);
  const { isNear, wasNear } = useNearViewport(root);
  const { panel, scope } = props;
  return (
    <section className={`panel ${panel.transparent ? "panel-transparent" : ""}`} ref={root} aria-label={panel.title}>
      {wasNear && scope !== undefined ? (
        <PanelContent {...props} scope={scope} active={isNear} />
      ) : (
        <PanelPlaceholder panel={panel} />
      )}
    </section>
  );
}

function PanelPlaceholder({ panel }: { panel: PanelModel }) {
  return (
    <div
      className="panel-inner"
      data-panel-id={panel.id}
      data-panel-key={panel.key}
      data-panel-type={panel.type}
      data-panel-state={panelType(panel.type).content === "own" ? "data" : "loading"}
    >
      <header className="panel-header">
        <h2 className="panel-title">{panel.title}</h2>
      </header>
    </div>
  );
}

function PanelContent({
  panel,
  directory,
  scope,
  timeZone,
  cursorKey,
  setTimeRange,
  findPanel,
  onView,
  active,
}: PanelCardProps & { scope: VariableScope; active: boolean }) {
  const body = useRef<HTMLDivElement>(null);
  const { width, height } = useElementSize(body);
  const theme = grafanaTheme(useTheme().name);
  const type = panelType(panel.type);
  const { draw: Draw, error: codeError } = useDrawing(type);
  const data = usePanelData({ panel, directory, scope, width, active: active && type.content !== "own", findPanel });
  const [drawError, setDrawError] = useState<string | undefined>();

  // Titles and links must not make charts think that their data changed, so the scope is read when asked.
  const latestScope = useRef(scope);
  latestScope.current = scope;
  const host = useMemo<PanelHost>(
    () => ({
      directory,
      interpolate: (text: string, scoped: ScopedValues = {}) =>
        interpolate(text, latestScope.current, { ...panel.scoped, ...withDataVariables(scoped) }),
      setTimeRange,
      cursorKey,
    }),
    [directory, panel, setTimeRange, cursorKey],
  );
  const prepared = useMemo(() => {
    try {
      return {
        frames: applyFieldConfig({
          frames: data.frames,
          fieldConfig: panel.fieldConfig,
          theme,
          timeZone: timeZone === "utc" ? "utc" : "browser",
          replaceVariables: (text, scoped) => host.interpolate(text, scoped as ScopedValues),
        }),
        error: undefined,
      };
    } catch (error) {
      return { frames: [], error: error instanceof Error ? error.message : String(error) };
    }
  }, [data.frames, panel.fieldConfig, theme, timeZone, host]);

  useEffect(() => {
    if (data.frames.length > 0) setDrawError(undefined);
  }, [data.frames]);

  const failure = drawError ?? prepared.error ?? codeError;
  const errors = failure === undefined ? data.errors : [...data.errors, failure];
  const known = panelState({ ...data, frames: prepared.frames, errors }, type.content);
  const state = failure !== undefined ? "error" : known === "data" && Draw === undefined ? "loading" : known;
  const title = interpolate(panel.title, scope, panel.scoped, "text");
  return (
    <div
      className="panel-inner"
      data-panel-id={panel.id}
      data-panel-key={panel.key}
      data-panel-type={panel.type}
      data-panel-state={state}
    >
      <PanelHeader
        panel={panel}
        title={title}
        notice={rangeNotice(panel)}
        errors={state === "error" ? [] : errors}
        isLoading={state === "loading" || (data.isLoading && type.content !== "own")}
        directory={directory}
        scope={scope}
        host={host}
        onView={onView === undefined ? undefined : () => onView(panel)}
      />
      <div className="panel-body" ref={body}>
        {state === "empty" && <div className="panel-message">{panel.fieldConfig.defaults.noValue ?? "No data"}</div>}
        {state === "error" && (
          <div className="panel-message panel-error" role="alert">
            <strong>{failure === undefined ? "Query error" : "This panel cannot be drawn"}</strong>
            {errors.map((error) => (
              <p key={error}>{error}</p>
            ))}
          </div>
        )}
        {state === "data" && Draw !== undefined && width > 0 && height > 0 && (
          <ErrorBoundary resetKey={prepared.frames} onError={(error) => setDrawError(error.message)}>
            <Draw
              frames={prepared.frames}
              panel={panel}
              width={width}
              height={height}
              range={data.range}
              timeZone={timeZone}
              theme={theme}
              host={host}
            />
          </ErrorBoundary>
        )}
      </div>
    </div>
  );
}
