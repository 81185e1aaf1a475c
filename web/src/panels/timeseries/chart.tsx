import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import uPlot from "uplot";

export interface ChartProps {
  /** Rebuilt charts are expensive: pass options memoised on everything but data and size. */
  options: uPlot.Options;
  data: uPlot.AlignedData;
  width: number;
  height: number;
  chartRef?: RefObject<uPlot | null>;
}

/** A uPlot chart whose life follows the component's. New data and sizes are set on the living chart. */
export function Chart({ options, data, width, height, chartRef }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef({ data, width, height });
  latest.current = { data, width, height };

  useLayoutEffect(() => {
    if (host.current === null) return;
    const { data: initial, width: w, height: h } = latest.current;
    const created = new uPlot({ ...options, width: w, height: h }, initial, host.current);
    chart.current = created;
    if (chartRef !== undefined) chartRef.current = created;
    return () => {
      created.destroy();
      chart.current = null;
      if (chartRef !== undefined) chartRef.current = null;
    };
  }, [options, chartRef]);

  useEffect(() => {
    if (chart.current !== null && chart.current.data !== data) chart.current.setData(data);
  }, [data]);

  useEffect(() => {
    if (chart.current !== null && (chart.current.width !== width || chart.current.height !== height))
      chart.current.setSize({ width, height });
  }, [width, height]);

  return <div className="chart" ref={host} />;
}
