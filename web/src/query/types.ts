import type { DataSourceDirectory } from "../api/data-sources.ts";
import type { DataSource } from "../api/types.ts";
import type { QueryTarget } from "../dashboard/types.ts";
import type { DataFrame } from "../grafana/data.ts";
import type { TimeRange } from "../time/range.ts";
import type { DefaultFormat } from "../variables/interpolate.ts";
import type { ScopedValues } from "../variables/types.ts";

/** Everything a runner needs to answer one query of a panel. */
export interface QueryRequest {
  source: DataSource;
  directory: DataSourceDirectory;
  target: QueryTarget;
  range: TimeRange;
  /** Points the panel can show: its width in pixels unless the document says otherwise. */
  pointsMax: number;
  /** The panel's smallest step, as text such as `30s`. */
  minInterval: string | undefined;
  /** Name of a table's value column: `Value`, or `Value #A` where several tables are to be merged. */
  tableValueName: string;
  interpolate: (text: string, scoped: ScopedValues, format: DefaultFormat) => string;
  signal: AbortSignal;
}

/** Answers one query. Rejects with `ApiError` (the engine's words), or `AbortError` when cancelled. */
export type QueryRunner = (request: QueryRequest) => Promise<DataFrame[]>;
