import {
  type DataFrame,
  type DisplayValue,
  type Field,
  FieldType,
  formattedValueToString,
  getFieldDisplayName,
} from "@grafana/data";
import type { ScopedValues } from "../variables/types.ts";

/** What @grafana/data hands to `replaceVariables` beside a text: the field, and for links the row. */
interface DataContext {
  data: DataFrame[];
  frame: DataFrame;
  field: Field;
  rowIndex?: number;
  calculatedValue?: DisplayValue;
}

/**
 * Adds Grafana's data variables (`__field`, `__series`, `__value`, `__data`) to scoped values that carry a data context.
 * Others come back as they are.
 */
export function withDataVariables(scoped: ScopedValues): ScopedValues {
  const context = scoped["__dataContext"]?.value as DataContext | undefined;
  if (context?.field === undefined) return scoped;
  const { frame, field, data } = context;
  const name = getFieldDisplayName(field, frame, data);
  return {
    ...scoped,
    __field: { value: { name: field.name, displayName: name, labels: field.labels ?? {} } },
    __field_name: { value: name },
    __series: { value: { name: frame.name ?? name, refId: frame.refId } },
    __series_name: { value: frame.name ?? name },
    __value: { value: cellValue(context) },
    __data: { value: { fields: rowFields(context) } },
  };
}

function cellValue({ frame, field, rowIndex, calculatedValue }: DataContext): Record<string, unknown> {
  const time = frame.fields.find((one) => one.type === FieldType.time);
  if (calculatedValue !== undefined) {
    return {
      raw: calculatedValue.numeric,
      numeric: calculatedValue.numeric,
      text: formattedValueToString(calculatedValue),
      time: undefined,
    };
  }
  if (rowIndex === undefined) return {};
  const raw = field.values[rowIndex] as unknown;
  const display = field.display?.(raw);
  return {
    raw,
    numeric: display?.numeric,
    text: display === undefined ? String(raw) : formattedValueToString(display),
    time: time?.values[rowIndex] as unknown,
  };
}

/** The row's cells as text, by name, by display name, and by position. */
function rowFields({ frame, rowIndex }: DataContext): Record<string, string> {
  const cells: Record<string, string> = {};
  if (rowIndex === undefined) return cells;
  frame.fields.forEach((field, index) => {
    const raw = field.values[rowIndex] as unknown;
    const text = field.display === undefined ? String(raw ?? "") : formattedValueToString(field.display(raw));
    cells[String(index)] = text;
    cells[field.name] = text;
    cells[getFieldDisplayName(field, frame)] = text;
  });
  return cells;
}
