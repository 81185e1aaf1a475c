import { useMemo } from "react";
import { FieldType, formattedValueToString, getFieldSeriesColor } from "../../grafana/data.ts";
import type { PanelProps } from "../types.ts";
import { type BarData, histogramBuckets } from "./bar-data.ts";
import { BarPlot } from "./bar-plot.tsx";

/** How often values fall into equal ranges. */
export function HistogramPanel({ frames, panel, width, height, theme }: PanelProps) {
  const data = useMemo((): BarData => {
    const fields = frames.flatMap((frame) => frame.fields.filter((field) => field.type === FieldType.number));
    const first = fields[0];
    if (first === undefined) return { categories: [], series: [], byCategory: false };
    const values = fields.flatMap((field) =>
      (field.values as (number | null)[]).filter((value): value is number => value !== null && Number.isFinite(value)),
    );
    const size = panel.options["bucketSize"];
    const buckets = histogramBuckets(values, typeof size === "number" ? size : undefined);
    const color = getFieldSeriesColor(first, theme).color;
    const text = (value: number) =>
      first.display === undefined ? String(value) : formattedValueToString(first.display(value));
    return {
      categories: buckets.map((bucket) => text(bucket.from)),
      series: [
        {
          name: "Count",
          color,
          colors: buckets.map(() => color),
          values: buckets.map((bucket) => bucket.count),
          field: { ...first, display: undefined },
        },
      ],
      byCategory: false,
    };
  }, [frames, panel.options, theme]);
  return (
    <BarPlot
      data={data}
      hidden={new Set()}
      width={width}
      height={height}
      isHorizontal={false}
      stacking="none"
      groupWidth={1}
      barWidth={0.96}
      showValues={false}
    />
  );
}
