import type { FieldExpr, FieldRef, Scalar, Static } from "./ast.ts";
import { formatDurationNs } from "./duration.ts";

/** A field as Tempo prints it; also the label name of its series (`span.foo`, `resource.service.name`). */
export function formatFieldRef(field: FieldRef): string {
  if (field.type === "intrinsic") return field.text;
  const name = needsQuotes(field.name) ? JSON.stringify(field.name) : field.name;
  const prefix = field.parent ? "parent." : "";
  return field.scope === "none" ? `${prefix === "" ? "." : prefix}${name}` : `${prefix}${field.scope}.${name}`;
}

function needsQuotes(name: string): boolean {
  return /[\s{}()=~!<>&|^,"\\]/u.test(name);
}

function formatStatic({ valueType, value }: Static): string {
  if (valueType === "string") return `\`${String(value)}\``;
  if (valueType === "duration") return formatDurationNs(value as number);
  return valueType === "nil" ? "nil" : String(value);
}

/** A field expression for messages, as Tempo prints it. */
export function formatFieldExpr(expression: FieldExpr): string {
  switch (expression.type) {
    case "static":
      return formatStatic(expression);
    case "unary":
      return `${expression.op}${wrapped(expression.operand)}`;
    case "binary":
      return `${wrapped(expression.left)} ${expression.op} ${wrapped(expression.right)}`;
    default:
      return formatFieldRef(expression);
  }
}

function wrapped(expression: FieldExpr): string {
  const text = formatFieldExpr(expression);
  return expression.type === "binary" ? `(${text})` : text;
}

export function formatScalar(scalar: Scalar): string {
  switch (scalar.type) {
    case "static":
      return formatStatic(scalar);
    case "aggregate":
      return `${scalar.op}(${scalar.field === undefined ? "" : formatFieldExpr(scalar.field)})`;
    case "scalarBinary":
      return `(${formatScalar(scalar.left)}) ${scalar.op} (${formatScalar(scalar.right)})`;
    case "scalarPipeline":
      return `(… | ${formatScalar(scalar.aggregate)})`;
  }
}
