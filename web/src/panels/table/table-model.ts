import { type DataFrame, type Field, FieldType, getFieldDisplayName } from "../../grafana/data.ts";

/** A table's column. */
export interface Column {
  field: Field;
  title: string;
  width: number | undefined;
  align: "left" | "right" | "center";
  cell: string;
  hidden: boolean;
}

/** Reads how each field of a frame wants to be shown. */
export function tableColumns(frame: DataFrame, frames: readonly DataFrame[]): Column[] {
  return frame.fields
    .map((field): Column => {
      const custom = (field.config.custom ?? {}) as Record<string, unknown>;
      const cellOptions = (custom["cellOptions"] ?? {}) as { type?: string; mode?: string };
      const align = custom["align"];
      return {
        field,
        title: getFieldDisplayName(field, frame, frames as DataFrame[]),
        width: typeof custom["width"] === "number" ? custom["width"] : undefined,
        align:
          align === "left" || align === "right" || align === "center"
            ? align
            : field.type === FieldType.number
              ? "right"
              : "left",
        cell: cellName(String(cellOptions.type ?? custom["displayMode"] ?? "auto"), cellOptions.mode),
        hidden: custom["hidden"] === true || isHiddenFrom(custom),
      };
    })
    .filter((column) => !column.hidden);
}

function isHiddenFrom(custom: Record<string, unknown>): boolean {
  return ((custom["hideFrom"] ?? {}) as { viz?: boolean }).viz === true;
}

/** One name for what older and newer documents call the same cell: `gradient-gauge` is a gauge with mode `gradient`. */
function cellName(type: string, mode: string | undefined): string {
  if (type === "gauge") return mode === "lcd" ? "lcd-gauge" : mode === "basic" ? "basic" : "gradient-gauge";
  if (type === "color-background-solid") return "color-background";
  return type;
}

/**
 * Many one-value series (an instant query without table format) as one table: a column per label and the value. Frames
 * of any other shape come back as they are.
 */
export function mergeSeries(frames: readonly DataFrame[]): DataFrame[] {
  if (frames.length < 2 || !frames.every(isSingleSeries)) return [...frames];
  const queries = new Set(frames.map((frame) => frame.refId));
  if (queries.size > 1) return [...frames];
  const values = frames.map((frame) => frame.fields[1]!);
  const names = [...new Set(values.flatMap((field) => Object.keys(field.labels ?? {})))].sort();
  const first = frames[0]!;
  const template = values[0]!;
  const columns: Field[] = names.map((name) => ({
    name,
    type: FieldType.string,
    config: {},
    values: values.map((field) => field.labels?.[name] ?? ""),
  }));
  const value: Field = {
    ...template,
    labels: undefined,
    state: undefined,
    config: { ...template.config, displayName: template.config.displayName ?? "Value", displayNameFromDS: undefined },
    values: values.map((field) => field.values.at(-1) as unknown),
  };
  const time: Field = {
    ...first.fields[0]!,
    state: undefined,
    values: frames.map((frame) => frame.fields[0]!.values.at(-1) as unknown),
  };
  return [{ refId: first.refId, fields: [time, ...columns, value], length: frames.length }];
}

function isSingleSeries(frame: DataFrame): boolean {
  const [time, value] = frame.fields;
  return (
    frame.fields.length === 2 && frame.length === 1 && time?.type === FieldType.time && value?.type === FieldType.number
  );
}

export interface Sort {
  title: string;
  desc: boolean;
}

/** Row numbers in the order asked for; numbers by size, the rest by text, empty cells last. */
export function sortedRows(frame: DataFrame, columns: readonly Column[], sort: Sort | undefined): number[] {
  const rows = Array.from({ length: frame.length }, (_, index) => index);
  const column = columns.find((one) => one.title === sort?.title);
  if (sort === undefined || column === undefined) return rows;
  const values = column.field.values as unknown[];
  const direction = sort.desc ? -1 : 1;
  return rows.sort((a, b) => {
    const left = values[a];
    const right = values[b];
    const isLeftEmpty = left === null || left === undefined || left === "";
    const isRightEmpty = right === null || right === undefined || right === "";
    if (isLeftEmpty || isRightEmpty) return isLeftEmpty === isRightEmpty ? 0 : isLeftEmpty ? 1 : -1;
    if (typeof left === "number" && typeof right === "number") return (left - right) * direction;
    return String(left).localeCompare(String(right), undefined, { numeric: true }) * direction;
  });
}
