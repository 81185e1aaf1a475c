import { useMemo } from "react";
import { LogList } from "../../logs/log-list.tsx";
import { readLogRows } from "../../logs/log-model.ts";
import type { PanelProps } from "../types.ts";

/** Log lines of Loki queries. */
export function LogsPanel({ frames, panel, height, timeZone, host }: PanelProps) {
  const { options } = panel;
  const ascending = options["sortOrder"] === "Ascending";
  const rows = useMemo(() => readLogRows(frames, ascending), [frames, ascending]);
  const listOptions = {
    showTime: options["showTime"] !== false,
    showLabels: options["showLabels"] === true,
    wrap: options["wrapLogMessage"] === true,
    readable: options["prettifyLogMessage"] === true,
    details: options["enableLogDetails"] !== false,
  };
  return <LogList rows={rows} options={listOptions} timeZone={timeZone} directory={host.directory} height={height} />;
}
