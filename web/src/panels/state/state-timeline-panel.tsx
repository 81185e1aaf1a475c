import { useMemo } from "react";
import {
  type DataFrame,
  type Field,
  FieldType,
  formattedValueToString,
  getFieldDisplayName,
} from "../../grafana/data.ts";
import { axisLabels, formatDateTime } from "../../time/format.ts";
import { keyed } from "../../ui/keyed.ts";
import type { PanelProps } from "../types.ts";

const AXIS_HEIGHT_PX = 22;
const CHAR_WIDTH_PX = 6.8;

interface Segment {
  fromMs: number;
  toMs: number;
  text: string;
  color: string;
}

interface StateRow {
  name: string;
  segments: Segment[];
}

/** One band per series, coloured by what its value means at each time. */
export function StateTimelinePanel({ frames, panel, width, height, range, timeZone }: PanelProps) {
  const merge = panel.type === "state-timeline" && panel.options["mergeValues"] !== false;
  const rows = useMemo(() => readRows(frames, merge), [frames, merge]);
  const left = Math.min(width * 0.35, Math.max(0, ...rows.map((row) => row.name.length)) * CHAR_WIDTH_PX + 14);
  const plotWidth = Math.max(20, width - left - 8);
  const plotHeight = height - AXIS_HEIGHT_PX;
  const lane = plotHeight / Math.max(1, rows.length);
  const bar = lane * Number(panel.options["rowHeight"] ?? 0.9);
  const spanMs = range.toMs - range.fromMs || 1;
  const xOf = (ms: number) =>
    left + ((Math.min(range.toMs, Math.max(range.fromMs, ms)) - range.fromMs) / spanMs) * plotWidth;
  const stepMs = niceStep(spanMs / Math.max(2, plotWidth / 90));
  const ticks: number[] = [];
  for (let ms = Math.ceil(range.fromMs / stepMs) * stepMs; ms <= range.toMs; ms += stepMs) ticks.push(ms / 1_000);
  const texts = axisLabels(ticks, stepMs / 1_000, timeZone);
  const showValue = panel.options["showValue"] !== "never";
  return (
    <svg width={width} height={height} className="state-timeline" role="img" aria-label={panel.title}>
      {keyed(rows, (row) => row.name).map(({ key, item: row, index }) => (
        <g key={key}>
          <text className="axis-text" x={left - 8} y={index * lane + lane / 2 + 4} textAnchor="end">
            {row.name.length * CHAR_WIDTH_PX > left
              ? `${row.name.slice(0, Math.floor(left / CHAR_WIDTH_PX) - 2)}…`
              : row.name}
          </text>
          {row.segments.map((segment) => {
            const x = xOf(segment.fromMs);
            const w = xOf(segment.toMs) - x;
            if (w <= 0) return null;
            return (
              <g key={segment.fromMs}>
                <rect
                  x={x}
                  y={index * lane + (lane - bar) / 2}
                  width={Math.max(1, w - 1)}
                  height={bar}
                  fill={segment.color}
                  fillOpacity={0.85}
                >
                  <title>{`${row.name}: ${segment.text}\n${formatDateTime(segment.fromMs, timeZone)} to ${formatDateTime(segment.toMs, timeZone)}`}</title>
                </rect>
                {showValue && segment.text.length * CHAR_WIDTH_PX + 10 < w && bar > 14 && (
                  <text className="state-text" x={x + 6} y={index * lane + lane / 2 + 4}>
                    {segment.text}
                  </text>
                )}
              </g>
            );
          })}
        </g>
      ))}
      {ticks.map((tick, index) => (
        <text key={tick} className="axis-text" x={xOf(tick * 1_000)} y={height - 6} textAnchor="middle">
          {texts[index]}
        </text>
      ))}
    </svg>
  );
}

function readRows(frames: readonly DataFrame[], merge: boolean): StateRow[] {
  return frames.flatMap((frame) => {
    const time = frame.fields.find((field) => field.type === FieldType.time);
    if (time === undefined) return [];
    return frame.fields
      .filter((field) => field !== time && field.type !== FieldType.time && field.type !== FieldType.other)
      .map((field) => ({
        name: getFieldDisplayName(field, frame, frames as DataFrame[]),
        segments: readSegments(time, field, merge),
      }));
  });
}

function readSegments(time: Field, field: Field, merge: boolean): Segment[] {
  const times = time.values as number[];
  const stepMs = time.config.interval ?? (times.length > 1 ? times[1]! - times[0]! : 60_000);
  const segments: Segment[] = [];
  times.forEach((fromMs, index) => {
    const value = field.values[index] as unknown;
    if (value === null || value === undefined) return;
    const display = field.display?.(value);
    const text = display === undefined ? String(value) : formattedValueToString(display);
    const color = display?.color ?? "#808080";
    const toMs = times[index + 1] ?? fromMs + stepMs;
    const last = segments.at(-1);
    const joins =
      merge &&
      last !== undefined &&
      last.toMs >= fromMs &&
      last.color === color &&
      (last.text === text || field.config.color?.mode === "thresholds");
    if (joins) last.toMs = toMs;
    else segments.push({ fromMs, toMs: Math.min(toMs, fromMs + stepMs * 1.5), text, color });
  });
  return segments;
}

function niceStep(ms: number): number {
  const steps = [1e3, 5e3, 1e4, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 6048e5];
  return steps.find((step) => step >= ms) ?? 2_592_000_000;
}
