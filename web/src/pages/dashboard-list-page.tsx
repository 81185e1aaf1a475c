import { Link } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import type { SearchHit } from "../api/types.ts";
import { usePageSearch } from "../app/location.ts";
import { useDashboardList } from "../app/queries.ts";
import { searchText } from "../app/search.ts";
import { focusOnMount } from "../ui/focus.ts";
import { PageError } from "../ui/page-error.tsx";
import { Tag } from "../ui/tag.tsx";

/** `/dashboards`: all dashboards, narrowed by text and tags. */
export function DashboardListPage() {
  const { data, error } = useDashboardList();
  const [search, changeSearch] = usePageSearch();
  const text = searchText(search, "query") ?? "";
  const chosen = useMemo(() => [search["tag"] ?? []].flat(), [search]);
  useEffect(() => {
    document.title = "Dashboards · GatewayZ";
  }, []);
  if (error !== null) return <PageError title="The list of dashboards cannot be read" message={error.message} />;
  const hits = (data ?? []).filter((hit) => matches(hit, text, chosen));
  const tags = [...new Set((data ?? []).flatMap((hit) => hit.tags ?? []))].sort();
  const toggle = (tag: string) =>
    changeSearch(
      { tag: chosen.includes(tag) ? chosen.filter((one) => one !== tag) : [...chosen, tag] },
      { replace: true },
    );
  return (
    <div className="page">
      <h1>Dashboards</h1>
      <div className="list-tools">
        <input
          type="search"
          ref={focusOnMount}
          placeholder="Search for dashboards"
          value={text}
          onChange={(event) => changeSearch({ query: event.target.value || undefined }, { replace: true })}
        />
        <div className="tag-row">
          {tags.map((tag) => (
            <Tag key={tag} name={tag} chosen={chosen.includes(tag)} onClick={() => toggle(tag)} />
          ))}
        </div>
      </div>
      <ul className="dashboard-list">
        {hits.map((hit) => (
          <li key={hit.uid}>
            <Link to="/d/$uid" params={{ uid: hit.uid }} search={{}}>
              <span className="dashboard-list-title">{hit.title}</span>
              <span className="tag-row">
                {(hit.tags ?? []).map((tag) => (
                  <Tag key={tag} name={tag} />
                ))}
              </span>
            </Link>
          </li>
        ))}
        {data !== undefined && hits.length === 0 && <li className="hint">No dashboard matches.</li>}
      </ul>
    </div>
  );
}

function matches(hit: SearchHit, text: string, tags: readonly string[]): boolean {
  const wanted = text.toLowerCase();
  const known = hit.tags ?? [];
  if (!tags.every((tag) => known.includes(tag))) return false;
  return hit.title.toLowerCase().includes(wanted) || known.some((tag) => tag.toLowerCase().includes(wanted));
}
