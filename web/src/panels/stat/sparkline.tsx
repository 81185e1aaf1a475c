import { useId } from "react";
import type { FieldDisplay } from "../../grafana/data.ts";

interface SparklineProps {
  sparkline: NonNullable<FieldDisplay["sparkline"]>;
  width: number;
  height: number;
  color: string;
}

/** A filled line without axes, at the bottom of a stat. */
export function Sparkline({ sparkline, width, height, color }: SparklineProps) {
  const gradient = useId();
  const values = sparkline.y.values as (number | null)[];
  const times = (sparkline.x?.values ?? values.map((_, index) => index)) as number[];
  const numbers = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (numbers.length < 2 || height < 8) return null;
  const min = Math.min(...numbers);
  const max = Math.max(...numbers);
  const first = times[0]!;
  const span = times.at(-1)! - first || 1;
  const y = (value: number) => (max === min ? height / 2 : 2 + (1 - (value - min) / (max - min)) * (height - 5));
  const points = values.flatMap((value, index) =>
    value === null || !Number.isFinite(value)
      ? []
      : [`${(((times[index]! - first) / span) * width).toFixed(1)},${y(value).toFixed(1)}`],
  );
  const startX = points[0]!.split(",")[0];
  const endX = points.at(-1)!.split(",")[0];
  return (
    <svg className="sparkline" width={width} height={height} aria-hidden="true">
      <defs>
        <linearGradient id={gradient} x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor={color} stopOpacity="0.35" />
          <stop offset="1" stopColor={color} stopOpacity="0.05" />
        </linearGradient>
      </defs>
      <path d={`M${startX},${height} L${points.join(" L")} L${endX},${height} Z`} fill={`url(#${gradient})`} />
      <path d={`M${points.join(" L")}`} fill="none" stroke={color} strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  );
}
