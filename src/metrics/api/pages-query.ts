import { PromqlError } from "../../languages/promql/error.ts";
import type { QueryValue } from "../../languages/promql/result.ts";
import { formatSampleValue } from "../../series/format-value.ts";
import { ApiError } from "./api-error.ts";
import { type Html, html } from "./html.ts";
import type { Params } from "./params.ts";
import type { QueryDependencies } from "./query.ts";

/** Rows of the result table; a page of more is nothing to read. */
const ROWS_MAX = 1_000;

/** A form for one instant query, and its result as a table. */
export async function queryPage(
  { engine, store, gate }: QueryDependencies,
  params: Params,
  signal: AbortSignal,
): Promise<Html> {
  const expression = params.text("query");
  const form = html`<form method="get" action="/query"><textarea name="query" rows="3" aria-label="PromQL expression"
 placeholder="gatewayz_health_tracked_models">${expression}</textarea><p><button>Execute</button></p></form>`;
  if (expression.trim() === "") return form;
  try {
    const { value, warnings, infos } = await gate.run(signal, () => {
      return engine.instant(store.queryable, expression, Date.now(), { signal });
    });
    const notes = [...warnings, ...infos].map((note) => html`<p class="pending">${note}</p>`);
    return html`${form}${notes}${resultTable(rowsOf(value))}`;
  } catch (error) {
    if (error instanceof PromqlError || error instanceof ApiError)
      return html`${form}<pre class="down">${error.message}</pre>`;
    throw error;
  }
}

function rowsOf(value: QueryValue): [string, string][] {
  switch (value.type) {
    case "scalar":
      return [["scalar", formatSampleValue(value.value)]];
    case "string":
      return [["string", value.value]];
    case "vector":
      return value.samples.map(({ labels, value: number, histogram }) => [
        labels.toString(),
        histogram === undefined
          ? formatSampleValue(number)
          : `histogram: count ${histogram.count}, sum ${histogram.sum}`,
      ]);
    case "matrix":
      return value.series.map(({ labels, timestamps, values }) => [
        labels.toString(),
        [...timestamps].map((ms, index) => `${formatSampleValue(values[index]!)} @${ms / 1_000}`).join("\n"),
      ]);
  }
}

function resultTable(rows: readonly [string, string][]): Html {
  if (rows.length === 0) return html`<p>Empty query result.</p>`;
  const more =
    rows.length > ROWS_MAX ? html`<p class="muted">${rows.length - ROWS_MAX} more rows are not shown.</p>` : undefined;
  return html`<table>${rows
    .slice(0, ROWS_MAX)
    .map(
      ([series, text]) => html`<tr><td><code>${series}</code></td><td class="number"><code>${text}</code></td></tr>`,
    )}</table>${more}`;
}
