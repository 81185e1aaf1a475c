import { type RefObject, useEffect, useState } from "react";
import type uPlot from "uplot";
import { traceUrl } from "../../explore/urls.ts";
import type { PanelProps } from "../types.ts";
import type { Exemplar, GraphSeries } from "./prepare.ts";

/** Marks drawn at most, spread evenly over the exemplars given. */
const MARKS_MAX = 60;

interface ExemplarMarksProps {
  exemplars: readonly Exemplar[];
  series: readonly GraphSeries[];
  chart: RefObject<uPlot | null>;
  range: PanelProps["range"];
  host: PanelProps["host"];
  /** Changes with the chart's size, so that marks move along. */
  size: string;
}

/** Small diamonds that lead from a measured value to the trace of the request behind it. */
export function ExemplarMarks({ exemplars, series, chart, range, host, size }: ExemplarMarksProps) {
  const [marks, setMarks] = useState<{ left: number; top: number; traceId: string; key: string }[]>([]);
  const scaleKey = series[0]?.scaleKey;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `size` and `range` move the marks though their values are not read.
  useEffect(() => {
    const plot = chart.current;
    if (plot === null || scaleKey === undefined) return;
    const scale = plot.scales[scaleKey];
    const { left, top, width, height } = plot.bbox;
    const placed = spread(exemplars).flatMap(({ timeMs, value, traceId }, index) => {
      const x = plot.valToPos(timeMs / 1_000, "x");
      const inside = Math.min(value, scale?.max ?? value);
      const y = plot.valToPos(inside, scaleKey);
      if (x < 0 || x > width / devicePixelRatio || y < 0 || y > height / devicePixelRatio) return [];
      return [
        { left: left / devicePixelRatio + x, top: top / devicePixelRatio + y, traceId, key: `${traceId}-${index}` },
      ];
    });
    setMarks(placed);
  }, [exemplars, chart, scaleKey, range, size]);
  const tempo = host.directory.ofType("tempo");
  if (tempo === undefined) return null;
  return (
    <>
      {marks.map((mark) => (
        <a
          key={mark.key}
          className="exemplar"
          style={{ left: mark.left, top: mark.top }}
          href={traceUrl(tempo.uid, mark.traceId)}
          title={`Trace ${mark.traceId}`}
        >
          <span />
        </a>
      ))}
    </>
  );
}

function spread(exemplars: readonly Exemplar[]): Exemplar[] {
  const step = Math.max(1, exemplars.length / MARKS_MAX);
  const ordered = [...exemplars].sort((a, b) => a.timeMs - b.timeMs);
  return Array.from({ length: Math.min(MARKS_MAX, ordered.length) }, (_, index) => ordered[Math.floor(index * step)]!);
}
