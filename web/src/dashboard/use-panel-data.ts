import { useEffect, useRef, useState } from "react";
import { isAbort } from "../api/client.ts";
import type { DataSourceDirectory } from "../api/data-sources.ts";
import type { DataFrame } from "../grafana/data.ts";
import { type PanelAnswer, runPanelQueries } from "../query/run-panel.ts";
import type { TimeRange } from "../time/range.ts";
import { interpolate, type VariableScope } from "../variables/interpolate.ts";
import type { PanelModel } from "./types.ts";

export interface PanelData {
  frames: DataFrame[];
  errors: string[];
  /** Range that the frames cover. */
  range: TimeRange;
  /** No answer yet at all. */
  isFirstLoad: boolean;
  isLoading: boolean;
}

export interface PanelDataInput {
  panel: PanelModel;
  directory: DataSourceDirectory;
  scope: VariableScope;
  width: number;
  /** Queries run only while true; a change that came meanwhile is made up for. */
  active: boolean;
  findPanel: (id: number) => PanelModel | undefined;
}

/** Widths are rounded up to this many pixels, so that almost equal panels ask for the same steps. */
const WIDTH_STEP_PX = 100;

/** Keeps a panel's data: asks when the scope changes, keeps the old picture until the new one is there. */
export function usePanelData({ panel, directory, scope, width, active, findPanel }: PanelDataInput): PanelData {
  const [data, setData] = useState<PanelData>({
    frames: [],
    errors: [],
    range: scope.range,
    isFirstLoad: true,
    isLoading: true,
  });
  const answered = useRef<VariableScope | undefined>(undefined);
  // Read when a query starts; a width that changes meanwhile (a scroll bar appears) is no reason to ask again.
  const pointsMax = useRef(WIDTH_STEP_PX);
  pointsMax.current = Math.ceil(Math.max(width, 1) / WIDTH_STEP_PX) * WIDTH_STEP_PX;
  const isMeasured = width > 0;
  useEffect(() => {
    if (!active || !isMeasured || answered.current === scope) return;
    if (panel.targets.length === 0) {
      setData({ frames: [], errors: [], range: scope.range, isFirstLoad: false, isLoading: false });
      return;
    }
    const controller = new AbortController();
    const load = async () => {
      const answer = await runPanelQueries({
        panel,
        directory,
        scope,
        pointsMax: pointsMax.current,
        signal: controller.signal,
        findPanel,
      });
      const frames = await transform(panel, answer, scope);
      if (controller.signal.aborted) return;
      answered.current = scope;
      setData({ ...answer, frames, isFirstLoad: false, isLoading: false });
    };
    setData((previous) => (previous.isLoading ? previous : { ...previous, isLoading: true }));
    load().catch((error: unknown) => {
      if (isAbort(error) || controller.signal.aborted) return;
      setData({
        frames: [],
        errors: [error instanceof Error ? error.message : String(error)],
        range: scope.range,
        isFirstLoad: false,
        isLoading: false,
      });
    });
    return () => controller.abort();
  }, [panel, directory, scope, isMeasured, active, findPanel]);
  return data;
}

/** Transformations are loaded with the first panel that has one. */
async function transform(panel: PanelModel, answer: PanelAnswer, scope: VariableScope): Promise<DataFrame[]> {
  if (panel.transformations.length === 0) return answer.frames;
  const { transformFrames } = await import("../grafana/transform.ts");
  return transformFrames(panel.transformations as never, answer.frames, (text) =>
    interpolate(text, scope, panel.scoped),
  );
}
