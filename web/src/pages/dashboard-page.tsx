import { useParams } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo } from "react";
import { usePageSearch } from "../app/location.ts";
import { useDashboard, useDataSources } from "../app/queries.ts";
import { type Search, searchText } from "../app/search.ts";
import { BarSlot } from "../app/shell.tsx";
import { DashboardLinks } from "../dashboard/dashboard-links.tsx";
import { migrateDashboard } from "../dashboard/migrate.ts";
import { PanelCard } from "../dashboard/panel-card.tsx";
import { expandRepeats, repeatKey } from "../dashboard/repeat.ts";
import { SectionView } from "../dashboard/section-view.tsx";
import type { DashboardModel, PanelModel } from "../dashboard/types.ts";
import { useClock } from "../dashboard/use-clock.ts";
import { meaningOf, useVariables } from "../dashboard/use-variables.ts";
import { VariableBar } from "../dashboard/variable-bar.tsx";
import { preloadPanelTypes } from "../panels/registry.tsx";
import { resolveRange } from "../time/range.ts";
import { PageError } from "../ui/page-error.tsx";
import { RefreshPicker, TimeRangePicker } from "../ui/time-controls.tsx";
import type { VariableScope } from "../variables/interpolate.ts";
import type { VariableState } from "../variables/types.ts";

/** `/d/{uid}`: a dashboard. */
export function DashboardPage() {
  const { uid = "" } = useParams({ strict: false }) as { uid?: string };
  const { data, error } = useDashboard(uid);
  const { directory, error: sourcesError } = useDataSources();
  const model = useMemo(() => (data === undefined ? undefined : migrateDashboard(data.dashboard)), [data]);
  const failure = error ?? sourcesError;
  if (failure !== null) return <PageError title="This dashboard cannot be opened" message={failure.message} />;
  if (model === undefined || directory === undefined) return <div className="page-loading" />;
  return <OpenDashboard key={model.uid} model={model} directory={directory} />;
}

const NO_VARIABLES: ReadonlyMap<string, VariableState> = new Map();

type Directory = NonNullable<ReturnType<typeof useDataSources>["directory"]>;

function OpenDashboard({ model, directory }: { model: DashboardModel; directory: Directory }) {
  const [search, changeSearch] = usePageSearch();
  const from = searchText(search, "from") ?? model.time.from;
  const to = searchText(search, "to") ?? model.time.to;
  const raw = useMemo(() => ({ from, to }), [from, to]);
  const refresh = searchText(search, "refresh") ?? model.refresh;
  const timeZone = searchText(search, "timezone") ?? model.timeZone;
  const { nowMs, tick, refreshNow } = useClock(refresh, raw);
  const variables = useVariables(model.variables, directory, search, raw, 0);

  useEffect(() => {
    document.title = `${model.title} · GatewayZ`;
  }, [model.title]);

  const meaning = variables === undefined ? undefined : meaningOf(variables);
  // One scope per tick: every panel of the page answers for the same moment.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a tick asks again even when the range is absolute; options that arrive later change no query, so variables are compared by meaning.
  const scope = useMemo<VariableScope | undefined>(
    () =>
      variables === undefined
        ? undefined
        : { variables, range: resolveRange(raw, nowMs), dashboard: { title: model.title, uid: model.uid }, timeZone },
    [meaning, raw, nowMs, tick, model, timeZone],
  );
  const known = variables ?? NO_VARIABLES;
  const repeats = repeatKey(model.sections, known);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `repeats` is what of the variables matters here; new panels would ask again.
  const sections = useMemo(() => expandRepeats(model.sections, known), [model.sections, repeats]);
  useEffect(
    () => preloadPanelTypes(sections.flatMap((section) => section.panels.map((panel) => panel.type))),
    [sections],
  );
  const findPanel = useCallback(
    (id: number) => sections.flatMap((section) => section.panels).find((panel) => panel.id === id),
    [sections],
  );
  const setTimeRange = useCallback(
    (fromMs: number, toMs: number) => changeSearch({ from: String(fromMs), to: String(toMs) }),
    [changeSearch],
  );
  const onView = useCallback((panel: PanelModel) => changeSearch({ viewPanel: panel.key }), [changeSearch]);
  const viewed = searchText(search, "viewPanel");
  const viewedPanel = sections.flatMap((section) => section.panels).find((panel) => panel.key === viewed);
  const cardProps = {
    directory,
    scope,
    timeZone,
    cursorKey: model.graphTooltip > 0 ? model.uid : undefined,
    setTimeRange,
    findPanel,
    onView,
  };
  return (
    <div className="dashboard">
      <BarSlot side="left">
        <span className="crumb-separator">/</span>
        <h1 className="dashboard-title" title={model.description}>
          {model.title}
        </h1>
      </BarSlot>
      <BarSlot side="right">
        <TimeRangePicker
          raw={raw}
          timeZone={timeZone}
          onChange={(next) => changeSearch({ from: next.from, to: next.to })}
        />
        <RefreshPicker
          interval={refresh}
          intervals={model.refreshIntervals}
          onChange={(next) => changeSearch({ refresh: next }, { replace: true })}
          onRefresh={refreshNow}
        />
      </BarSlot>
      <div className="dashboard-controls">
        {variables !== undefined && (
          <VariableBar variables={variables} onChange={(name, values) => changeSearch(variableChange(name, values))} />
        )}
        <DashboardLinks links={model.links} uid={model.uid} scope={scope} search={search} />
      </div>
      {viewedPanel !== undefined ? (
        <div className="viewed-panel">
          <button type="button" className="button" onClick={() => changeSearch({ viewPanel: undefined })}>
            Back to the dashboard
          </button>
          <div className="viewed-panel-box">
            <PanelCard {...cardProps} panel={viewedPanel} />
          </div>
        </div>
      ) : (
        sections.map((section) => <SectionView key={section.key} section={section} cardProps={cardProps} />)
      )}
    </div>
  );
}

function variableChange(name: string, values: string[]): Search {
  return { [`var-${name}`]: values.length === 1 ? values[0] : values };
}
