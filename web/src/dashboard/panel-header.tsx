import type { DataSourceDirectory } from "../api/data-sources.ts";
import { exploreUrl } from "../explore/urls.ts";
import type { PanelHost } from "../panels/types.ts";
import { panelSource } from "../query/run-panel.ts";
import { Icon } from "../ui/icon.tsx";
import { Popover } from "../ui/popover.tsx";
import { interpolate, type VariableScope } from "../variables/interpolate.ts";
import type { PanelModel } from "./types.ts";

interface PanelHeaderProps {
  panel: PanelModel;
  title: string;
  notice: string | undefined;
  errors: readonly string[];
  isLoading: boolean;
  directory: DataSourceDirectory;
  scope: VariableScope;
  host: PanelHost;
  onView: (() => void) | undefined;
}

/** Title, description, links, and the panel's menu. */
export function PanelHeader({
  panel,
  title,
  notice,
  errors,
  isLoading,
  directory,
  scope,
  host,
  onView,
}: PanelHeaderProps) {
  return (
    <header className="panel-header">
      {isLoading && <div className="panel-loading" />}
      {errors.length > 0 && (
        <span className="panel-warning" title={errors.join("\n")}>
          <Icon name="warning" size={14} />
        </span>
      )}
      <h2 className="panel-title" title={title}>
        {title}
      </h2>
      {panel.description !== "" && (
        <span className="panel-hint" title={host.interpolate(panel.description)}>
          <Icon name="info" size={14} />
        </span>
      )}
      {notice !== undefined && (
        <span className="panel-notice">
          <Icon name="clock" size={12} /> {notice}
        </span>
      )}
      <span className="panel-header-space" />
      {panel.links.map((link) => (
        <a
          key={link.url}
          className="panel-link"
          href={host.interpolate(link.url)}
          title={host.interpolate(link.title)}
          target={link.targetBlank ? "_blank" : undefined}
          rel={link.targetBlank ? "noreferrer" : undefined}
        >
          <Icon name="external" size={14} />
        </a>
      ))}
      {onView !== undefined && <PanelMenu panel={panel} directory={directory} scope={scope} onView={onView} />}
    </header>
  );
}

function PanelMenu({
  panel,
  directory,
  scope,
  onView,
}: Pick<PanelHeaderProps, "panel" | "directory" | "scope"> & { onView: () => void }) {
  return (
    <Popover
      align="right"
      className="panel-menu"
      button={({ toggle, open }) => (
        <button
          type="button"
          className="icon-button small"
          aria-label="Panel menu"
          aria-expanded={open}
          onClick={toggle}
        >
          <Icon name="menu" size={16} />
        </button>
      )}
    >
      {(close) => {
        const explore = exploreLink(panel, directory, scope);
        return (
          <div className="menu">
            <button
              type="button"
              onClick={() => {
                close();
                onView();
              }}
            >
              <Icon name="expand" size={14} /> View
            </button>
            {explore !== undefined && (
              <a href={explore}>
                <Icon name="explore" size={14} /> Explore
              </a>
            )}
          </div>
        );
      }}
    </Popover>
  );
}

/** Explore with the panel's first query, its variables filled in; interval variables stay, Explore knows them too. */
function exploreLink(panel: PanelModel, directory: DataSourceDirectory, scope: VariableScope): string | undefined {
  const source = panelSource(panel, directory, scope);
  const target = panel.targets.find((one) => one.hide !== true);
  const query = target?.expr ?? target?.query;
  if (source === undefined || query === undefined || query === "") return undefined;
  const filled = interpolate(
    query,
    scope,
    { ...panel.scoped, __range: undefined },
    source.type === "tempo" ? "pipe" : "matcher",
  );
  return exploreUrl(source.uid, filled, scope.range.raw);
}
