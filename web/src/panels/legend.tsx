import type { MouseEvent } from "react";
import { type Field, formattedValueToString, getValueFormat, reduceField } from "../grafana/data.ts";
import { keyed } from "../ui/keyed.ts";

/** A chart's legend entry. */
export interface LegendItem {
  name: string;
  color: string;
  field?: Field;
  /** Shown behind the name where no calculation is asked for (pie charts). */
  values?: string[];
}

export interface LegendOptions {
  show: boolean;
  mode: "list" | "table";
  placement: "bottom" | "right";
  calcs: string[];
  width: number | undefined;
}

/** Reads `options.legend` with Grafana's defaults. */
export function legendOptions(options: Record<string, unknown>): LegendOptions {
  const legend = (options["legend"] ?? {}) as Record<string, unknown>;
  const displayMode = String(legend["displayMode"] ?? "list");
  return {
    show: legend["showLegend"] !== false && displayMode !== "hidden",
    mode: displayMode === "table" ? "table" : "list",
    placement: legend["placement"] === "right" ? "right" : "bottom",
    calcs: Array.isArray(legend["calcs"]) ? legend["calcs"].map(String) : [],
    width: typeof legend["width"] === "number" ? legend["width"] : undefined,
  };
}

const CALC_NAMES: Record<string, string> = {
  lastNotNull: "Last *",
  last: "Last",
  firstNotNull: "First *",
  first: "First",
  mean: "Mean",
  min: "Min",
  max: "Max",
  sum: "Total",
  count: "Count",
  range: "Range",
  delta: "Delta",
  diff: "Difference",
  diffperc: "Difference %",
  median: "Median",
  stdDev: "StdDev",
  variance: "Variance",
  p50: "50th %",
  p90: "90th %",
  p95: "95th %",
  p99: "99th %",
};

/** Calculations whose result is a number of things, not a value in the field's unit. */
const COUNTING = new Set(["count", "distinctCount", "changeCount"]);

export interface LegendProps {
  items: readonly LegendItem[];
  options: LegendOptions;
  hidden: ReadonlySet<string>;
  /** Column titles of `values`, for tables. */
  valueTitles?: string[];
  onToggle: (name: string, additive: boolean) => void;
}

/** List or table of a chart's series; a click shows one alone, with Ctrl it switches one off. */
export function Legend({ items, options, hidden, valueTitles = [], onToggle }: LegendProps) {
  const calcs = items.map((item) => item.values ?? calcTexts(item, options.calcs));
  const click = (name: string) => (event: MouseEvent) =>
    onToggle(name, event.ctrlKey || event.metaKey || event.shiftKey);
  if (options.mode === "list") {
    return (
      <ul className={`legend legend-list legend-${options.placement}`}>
        {keyed(items, (item) => item.name).map(({ key, item, index }) => (
          <li key={key}>
            <button
              type="button"
              className={hidden.has(item.name) ? "off" : ""}
              onClick={click(item.name)}
              title={item.name}
            >
              <span className="swatch" style={{ background: item.color }} />
              <span className="name">{item.name}</span>
              {calcs[index]!.map((text, calc) => (
                <span className="calc" key={options.calcs[calc] ?? calc}>
                  {CALC_NAMES[options.calcs[calc] ?? ""] === undefined ? "" : `${CALC_NAMES[options.calcs[calc]!]}: `}
                  {text}
                </span>
              ))}
            </button>
          </li>
        ))}
      </ul>
    );
  }
  const titles = valueTitles.length > 0 ? valueTitles : options.calcs.map((calc) => CALC_NAMES[calc] ?? calc);
  return (
    <div className={`legend legend-table legend-${options.placement}`}>
      <table>
        <thead>
          <tr>
            <th>Name</th>
            {titles.map((title) => (
              <th key={title}>{title}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {keyed(items, (item) => item.name).map(({ key, item, index }) => (
            <tr key={key} className={hidden.has(item.name) ? "off" : ""}>
              <td>
                <button type="button" onClick={click(item.name)} title={item.name}>
                  <span className="swatch" style={{ background: item.color }} />
                  <span className="name">{item.name}</span>
                </button>
              </td>
              {calcs[index]!.map((text, calc) => (
                <td key={titles[calc] ?? calc} className="number">
                  {text}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function calcTexts({ field }: LegendItem, calcs: readonly string[]): string[] {
  if (field === undefined || calcs.length === 0) return [];
  const results = reduceField({ field, reducers: [...calcs] });
  return calcs.map((calc) => {
    const value = results[calc] as number | null | undefined;
    if (value === null || value === undefined) return "";
    if (COUNTING.has(calc)) return formattedValueToString(getValueFormat("none")(value));
    if (calc === "diffperc") return formattedValueToString(getValueFormat("percentunit")(value));
    return field.display === undefined ? String(value) : formattedValueToString(field.display(value));
  });
}

/** The next set of hidden names after a click: isolate, back to all, or switch one. */
export function toggleHidden(
  hidden: ReadonlySet<string>,
  all: readonly string[],
  name: string,
  additive: boolean,
): Set<string> {
  if (additive) {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    return next.size === all.length ? new Set() : next;
  }
  const onlyThis = all.every((other) => hidden.has(other) !== (other === name));
  return onlyThis ? new Set() : new Set(all.filter((other) => other !== name));
}
