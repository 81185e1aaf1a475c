import { useDashboardList } from "../app/queries.ts";
import { type Search, stringifySearch } from "../app/search.ts";
import { Icon } from "../ui/icon.tsx";
import { keyed } from "../ui/keyed.ts";
import { Popover } from "../ui/popover.tsx";
import { interpolate, type VariableScope } from "../variables/interpolate.ts";
import type { DashboardLink } from "./types.ts";

interface DashboardLinksProps {
  links: readonly DashboardLink[];
  uid: string;
  scope: VariableScope | undefined;
  search: Search;
}

/** A dashboard's own links: addresses, or menus of the dashboards that share a tag. */
export function DashboardLinks({ links, uid, scope, search }: DashboardLinksProps) {
  if (links.length === 0 || scope === undefined) return null;
  return (
    <div className="dashboard-links">
      {keyed(links, (link) => `${link.title}|${link.url}`).map(({ key, item: link }) =>
        link.type === "dashboards" ? (
          <DashboardMenu key={key} link={link} uid={uid} search={search} />
        ) : (
          <a
            key={key}
            className="tool-button"
            href={interpolate(link.url, scope) + kept(link, search)}
            target={link.targetBlank ? "_blank" : undefined}
            rel={link.targetBlank ? "noreferrer" : undefined}
          >
            <Icon name="external" size={14} />
            <span>{interpolate(link.title, scope)}</span>
          </a>
        ),
      )}
    </div>
  );
}

/** The part of the page's parameters that a link takes along. */
function kept(link: DashboardLink, search: Search): string {
  const entries = Object.entries(search).filter(
    ([key]) => (link.includeVars && key.startsWith("var-")) || (link.keepTime && (key === "from" || key === "to")),
  );
  return stringifySearch(Object.fromEntries(entries));
}

function DashboardMenu({ link, uid, search }: { link: DashboardLink; uid: string; search: Search }) {
  const { data = [] } = useDashboardList();
  const hits = data.filter((hit) => hit.uid !== uid && link.tags.every((tag) => hit.tags?.includes(tag)));
  return (
    <Popover
      align="right"
      button={({ toggle, open }) => (
        <button type="button" className="tool-button" aria-expanded={open} onClick={toggle}>
          <Icon name="dashboards" size={14} />
          <span>{link.title}</span>
          <Icon name="chevronDown" size={14} />
        </button>
      )}
    >
      {() => (
        <div className="menu">
          {hits.map((hit) => (
            <a key={hit.uid} href={`/d/${hit.uid}${kept(link, search)}`}>
              {hit.title}
            </a>
          ))}
          {hits.length === 0 && <span className="hint">No other dashboard has these tags</span>}
        </div>
      )}
    </Popover>
  );
}
