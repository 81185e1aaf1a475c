import type { DataSourceRef } from "../api/types.ts";
import type { FieldConfigSource } from "../grafana/data.ts";
import type { RawRange } from "../time/range.ts";
import type { ScopedValues, VariableModel } from "../variables/types.ts";

/** Position in grid units: 24 columns, rows of `ROW_HEIGHT_PX`. */
export interface GridPos {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** One query of a panel; the fields that matter depend on the data source. */
export interface QueryTarget {
  refId: string;
  hide?: boolean;
  datasource?: DataSourceRef;
  expr?: string;
  query?: string;
  queryType?: string;
  format?: string;
  instant?: boolean;
  range?: boolean;
  legendFormat?: string;
  interval?: string;
  intervalFactor?: number;
  step?: string;
  limit?: number;
  maxLines?: number;
  tableType?: string;
  exemplar?: boolean;
  serviceMapQuery?: string;
  direction?: string;
  panelId?: number;
  filters?: unknown;
}

export interface Transformation {
  id: string;
  options?: Record<string, unknown>;
  disabled?: boolean;
  filter?: unknown;
}

export interface PanelLink {
  title: string;
  url: string;
  targetBlank: boolean;
}

/** A panel, migrated to the newest shape. */
export interface PanelModel {
  id: number;
  /** Unique on the page, also among a repeat's copies. */
  key: string;
  type: string;
  title: string;
  description: string;
  gridPos: GridPos;
  datasource: DataSourceRef;
  targets: QueryTarget[];
  options: Record<string, unknown>;
  fieldConfig: FieldConfigSource;
  transformations: Transformation[];
  links: PanelLink[];
  interval: string | undefined;
  maxDataPoints: number | undefined;
  timeFrom: string | undefined;
  timeShift: string | undefined;
  transparent: boolean;
  repeat: string | undefined;
  repeatDirection: "h" | "v";
  maxPerRow: number;
  scoped: ScopedValues;
}

/** A stretch of the page: the panels below a row's title, or those above the first row (`row` undefined). */
export interface Section {
  key: string;
  row: { id: number; title: string; collapsed: boolean; repeat: string | undefined } | undefined;
  panels: PanelModel[];
  scoped: ScopedValues;
}

export interface DashboardLink {
  title: string;
  type: "link" | "dashboards";
  url: string;
  tags: string[];
  targetBlank: boolean;
  includeVars: boolean;
  keepTime: boolean;
}

/** A dashboard, migrated to the newest shape and cut into sections. */
export interface DashboardModel {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  time: RawRange;
  refresh: string;
  refreshIntervals: string[];
  timeZone: string;
  /** 0 none, 1 crosshair shared between panels, 2 tooltip too. */
  graphTooltip: number;
  variables: VariableModel[];
  links: DashboardLink[];
  sections: Section[];
}
