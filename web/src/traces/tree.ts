import type { Span, Trace, TraceRow } from "./types.ts";

/** Builds the tree of a trace: parents before children, children by start. Spans whose parent is missing are roots. */
export function buildTrace(spans: readonly Span[]): Trace | undefined {
  const first = spans[0];
  if (first === undefined) return undefined;
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const children = new Map<string, Span[]>();
  const roots: Span[] = [];
  for (const span of byId.values()) {
    if (span.parentId === "" || span.parentId === span.spanId || !byId.has(span.parentId)) {
      roots.push(span);
      continue;
    }
    const siblings = children.get(span.parentId);
    if (siblings === undefined) children.set(span.parentId, [span]);
    else siblings.push(span);
  }
  const byStart = (a: Span, b: Span) => a.startMs - b.startMs || (a.spanId < b.spanId ? -1 : 1);
  const rows = flatten(roots.sort(byStart), children, byStart);
  const startMs = Math.min(...rows.map(({ span }) => span.startMs));
  const endMs = Math.max(...rows.map(({ span }) => span.startMs + span.durationMs));
  const root = roots[0] ?? first;
  return {
    traceId: first.traceId,
    startMs,
    durationMs: endMs - startMs,
    rootName: root.name,
    rootService: root.service,
    services: [...new Set(rows.map(({ span }) => span.service))],
    errorCount: rows.filter(({ span }) => span.isError).length,
    rows,
  };
}

/** Depth-first without recursion: a hostile trace may be tens of thousands of spans deep, or hold a cycle. */
function flatten(roots: Span[], children: Map<string, Span[]>, order: (a: Span, b: Span) => number): TraceRow[] {
  const rows: TraceRow[] = [];
  const stack = [...roots].reverse().map((span) => ({ span, depth: 0, parentIndex: -1 }));
  const seen = new Set<string>();
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    if (seen.has(entry.span.spanId)) continue;
    seen.add(entry.span.spanId);
    const below = (children.get(entry.span.spanId) ?? []).sort(order);
    const index = rows.push({ ...entry, childCount: below.length }) - 1;
    for (let child = below.length - 1; child >= 0; child--) {
      stack.push({ span: below[child]!, depth: entry.depth + 1, parentIndex: index });
    }
  }
  return rows;
}

/** Rows left to see when some are folded. */
export function visibleRows(rows: readonly TraceRow[], folded: ReadonlySet<string>): TraceRow[] {
  if (folded.size === 0) return [...rows];
  const visible: TraceRow[] = [];
  let hiddenBelow = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    if (row.depth > hiddenBelow) continue;
    hiddenBelow = folded.has(row.span.spanId) ? row.depth : Number.POSITIVE_INFINITY;
    visible.push(row);
  }
  return visible;
}
