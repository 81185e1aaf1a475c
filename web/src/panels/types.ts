import type { DataSourceDirectory } from "../api/data-sources.ts";
import type { PanelModel } from "../dashboard/types.ts";
import type { DataFrame, GrafanaTheme2 } from "../grafana/data.ts";
import type { TimeRange } from "../time/range.ts";
import type { ScopedValues } from "../variables/types.ts";

/** What a panel may ask of the page around it. */
export interface PanelHost {
  directory: DataSourceDirectory;
  /** Fills variables in titles, links and text. */
  interpolate: (text: string, scoped?: ScopedValues) => string;
  /** Zooms the page; undefined where the range cannot be changed. */
  setTimeRange: ((fromMs: number, toMs: number) => void) | undefined;
  /** Charts with the same key share their crosshair; undefined shares nothing. */
  cursorKey: string | undefined;
}

/** Input of every panel's drawing component. Frames carry display functions and names already. */
export interface PanelProps {
  frames: DataFrame[];
  panel: PanelModel;
  width: number;
  height: number;
  range: TimeRange;
  timeZone: string;
  theme: GrafanaTheme2;
  host: PanelHost;
}
