import type { FieldExpr, FieldRef } from "../../languages/traceql/ast.ts";
import { impliedType } from "../../languages/traceql/check.ts";
import { formatDurationNs } from "../../languages/traceql/duration.ts";
import type { Value } from "./values.ts";

/** An OTLP AnyValue in JSON. */
export type AnyValueJson = Readonly<Record<string, unknown>>;

/** A value as Tempo renders it in search results. Durations are text, as Go prints them. */
export function anyValue(value: Value, field: FieldExpr | undefined): AnyValueJson {
  if (value === undefined) return { stringValue: "nil" };
  if (typeof value === "object")
    return { arrayValue: { values: value.map((element) => anyValue(element, undefined)) } };
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (field !== undefined && impliedType(field) === "duration") return { stringValue: formatDurationNs(value) };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** The key under which search results show a field: an attribute's bare name, an intrinsic's word. */
export function attributeKey(field: FieldRef): string {
  return field.type === "attribute" ? field.name : field.text;
}
