import type {
  FieldExpr,
  FieldRef,
  PipelineElement,
  Query,
  Scalar as ScalarExpr,
  Spanset as SpansetExpr,
} from "../../languages/traceql/ast.ts";
import { formatFieldExpr, formatScalar } from "../../languages/traceql/format.ts";
import type { ColumnRequest } from "../store/span-block.ts";
import type { BlockFacts } from "./block-facts.ts";
import type { Predicate } from "./column-test.ts";
import { calculate, compilePredicate, compileValue } from "./compile.ts";
import { columnsOf, type Getter } from "./field-getter.ts";
import { combineSpansets, union } from "./structural.ts";
import { compareOrder, type Value } from "./values.ts";

/** A label of a spanset: what `by` grouped by, or what an aggregate came to. */
export interface SpansetAttribute {
  readonly key: string;
  readonly value: Value;
}

/** Spans of one trace that belong together; rows ascending. */
export interface Spanset {
  readonly rows: readonly number[];
  readonly attributes: readonly SpansetAttribute[];
}

type Stage = (input: readonly Spanset[]) => Spanset[];

/** Runs a query's pipeline over the traces of one block, whose columns must be prepared. */
export class Pipeline {
  readonly #stages: readonly Stage[];
  readonly #facts: BlockFacts;
  readonly #marks: Uint8Array;
  /** The condition, where the pipeline is a single filter: traces without a match cost no allocation. */
  readonly #onlyFilter: Predicate | undefined;

  constructor(elements: readonly PipelineElement[], facts: BlockFacts) {
    this.#facts = facts;
    this.#marks = new Uint8Array(facts.block.rowCount);
    const first = elements[0];
    this.#onlyFilter =
      elements.length === 1 && first?.type === "filter" ? compilePredicate(first.expression, facts) : undefined;
    this.#stages = this.#onlyFilter === undefined ? elements.map((element) => this.#compile(element)) : [];
  }

  /** The spansets that the pipeline leaves of a trace; none where it does not match. */
  run(trace: number): readonly Spanset[] {
    const { traceStarts } = this.#facts.block;
    const start = traceStarts[trace]!;
    const end = traceStarts[trace + 1]!;
    if (this.#onlyFilter !== undefined) {
      let rows: number[] | undefined;
      for (let row = start; row < end; row++) {
        if (!this.#onlyFilter(row)) continue;
        if (rows === undefined) rows = [row];
        else rows.push(row);
      }
      return rows === undefined ? NONE : [{ rows, attributes: [] }];
    }
    let spansets: readonly Spanset[] = [{ rows: range(start, end), attributes: [] }];
    for (const stage of this.#stages) {
      spansets = stage(spansets);
      if (spansets.length === 0) break;
    }
    return spansets;
  }

  #compile(element: PipelineElement): Stage {
    switch (element.type) {
      case "filter":
      case "operation":
      case "pipeline": {
        const rowsOf = this.#compileSpanset(element);
        return (input) => keepNonEmpty(input.map((spanset) => ({ ...spanset, rows: rowsOf(spanset.rows) })));
      }
      case "group":
        return this.#compileGroup(element.field);
      case "coalesce":
        return (input) => [
          { rows: input.reduce<readonly number[]>((all, { rows }) => union(all, rows), []), attributes: [] },
        ];
      case "select":
        return (input) => [...input];
      case "scalarFilter": {
        const left = this.#compileScalar(element.left);
        const right = this.#compileScalar(element.right);
        return (input) => {
          const kept: Spanset[] = [];
          for (const spanset of input) {
            const a = left(spanset.rows);
            const b = right(spanset.rows);
            if (a === undefined || b === undefined || !compareOrder(element.op, a, b)) continue;
            const labels = element.left.type === "static" ? [] : [{ key: formatScalar(element.left), value: a }];
            kept.push({ rows: spanset.rows, attributes: [...spanset.attributes, ...labels] });
          }
          return kept;
        };
      }
    }
  }

  /** Which rows of a spanset an expression keeps. */
  #compileSpanset(expression: SpansetExpr): (rows: readonly number[]) => readonly number[] {
    switch (expression.type) {
      case "filter": {
        const predicate = compilePredicate(expression.expression, this.#facts);
        return (rows) => rows.filter(predicate);
      }
      case "operation": {
        const left = this.#compileSpanset(expression.left);
        const right = this.#compileSpanset(expression.right);
        const { block } = this.#facts;
        return (rows) => combineSpansets(expression.op, left(rows), right(rows), block, this.#marks);
      }
      case "pipeline": {
        const stages = expression.elements.map((element) => this.#compile(element));
        return (rows) => {
          let spansets: readonly Spanset[] = [{ rows, attributes: [] }];
          for (const stage of stages) spansets = stage(spansets);
          return spansets.reduce<readonly number[]>((all, spanset) => union(all, spanset.rows), []);
        };
      }
    }
  }

  #compileGroup(field: FieldExpr): Stage {
    const value = compileValue(field, this.#facts);
    const key = `by(${formatFieldExpr(field)})`;
    return (input) => {
      const output: Spanset[] = [];
      for (const spanset of input) {
        const groups = new Map<Value, number[]>();
        for (const row of spanset.rows) {
          const group = value(row);
          const rows = groups.get(group);
          if (rows === undefined) groups.set(group, [row]);
          else rows.push(row);
        }
        for (const [group, rows] of groups) {
          output.push({ rows, attributes: [...spanset.attributes, { key, value: group }] });
        }
      }
      return output;
    };
  }

  #compileScalar(scalar: ScalarExpr): (rows: readonly number[]) => number | undefined {
    switch (scalar.type) {
      case "static": {
        const value = typeof scalar.value === "number" ? scalar.value : undefined;
        return () => value;
      }
      case "aggregate": {
        if (scalar.field === undefined) return (rows) => rows.length;
        const value = compileValue(scalar.field, this.#facts);
        return (rows) => aggregate(scalar.op, rows, value);
      }
      case "scalarBinary": {
        const left = this.#compileScalar(scalar.left);
        const right = this.#compileScalar(scalar.right);
        return (rows) => {
          const a = left(rows);
          const b = right(rows);
          return a === undefined || b === undefined ? undefined : calculate(scalar.op, a, b);
        };
      }
      case "scalarPipeline": {
        const rowsOf = this.#compileSpanset({ type: "pipeline", elements: scalar.elements });
        const inner = this.#compileScalar(scalar.aggregate);
        return (rows) => {
          const kept = rowsOf(rows);
          return kept.length === 0 ? undefined : inner(kept);
        };
      }
    }
  }
}

const NONE: readonly Spanset[] = [];

function range(start: number, end: number): number[] {
  const rows = new Array<number>(end - start);
  for (let index = 0; index < rows.length; index++) rows[index] = start + index;
  return rows;
}

function keepNonEmpty(spansets: Spanset[]): Spanset[] {
  return spansets.filter(({ rows }) => rows.length > 0);
}

/** Undefined where no row has a number. */
function aggregate(op: string, rows: readonly number[], value: Getter): number | undefined {
  let count = 0;
  let sum = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    const number = value(row);
    if (typeof number !== "number") continue;
    count++;
    sum += number;
    if (number < least) least = number;
    if (number > most) most = number;
  }
  if (count === 0) return undefined;
  switch (op) {
    case "avg":
      return sum / count;
    case "min":
      return least;
    case "max":
      return most;
    default:
      return sum;
  }
}

/** Every attribute and intrinsic that a query mentions, in order, each once. */
export function fieldsOf(query: Query): FieldRef[] {
  const fields = new Map<string, FieldRef>();
  const add = (field: FieldRef): void => void fields.set(JSON.stringify(field), field);
  for (const element of query.elements) visitElement(element, add);
  const { metrics } = query;
  if (metrics !== undefined) {
    for (const field of metrics.by) add(field);
    if (metrics.field !== undefined) add(metrics.field);
    if (metrics.compare !== undefined) visitElement(metrics.compare.filter, add);
  }
  return [...fields.values()];
}

/** The columns that a query reads. */
export function columnRequests(fields: readonly FieldRef[]): ColumnRequest[] {
  return fields.flatMap(columnsOf);
}

function visitElement(element: PipelineElement, visit: (field: FieldRef) => void): void {
  switch (element.type) {
    case "filter":
      visitField(element.expression, visit);
      return;
    case "operation":
      visitElement(element.left, visit);
      visitElement(element.right, visit);
      return;
    case "pipeline":
      for (const inner of element.elements) visitElement(inner, visit);
      return;
    case "group":
      visitField(element.field, visit);
      return;
    case "select":
      for (const field of element.fields) visit(field);
      return;
    case "scalarFilter":
      visitScalar(element.left, visit);
      visitScalar(element.right, visit);
      return;
    case "coalesce":
      return;
  }
}

function visitScalar(scalar: ScalarExpr, visit: (field: FieldRef) => void): void {
  if (scalar.type === "aggregate" && scalar.field !== undefined) visitField(scalar.field, visit);
  if (scalar.type === "scalarBinary") {
    visitScalar(scalar.left, visit);
    visitScalar(scalar.right, visit);
  }
  if (scalar.type === "scalarPipeline") {
    for (const element of scalar.elements) visitElement(element, visit);
    visitScalar(scalar.aggregate, visit);
  }
}

function visitField(expression: FieldExpr, visit: (field: FieldRef) => void): void {
  switch (expression.type) {
    case "static":
      return;
    case "unary":
      visitField(expression.operand, visit);
      return;
    case "binary":
      visitField(expression.left, visit);
      visitField(expression.right, visit);
      return;
    default:
      visit(expression);
  }
}
