import type { LabelFilter, RangeAggregation, Stage } from "../../languages/logql/ast.ts";
import { compileLabelFilter } from "../../languages/logql/label-filter.ts";
import { LineLabels } from "../../languages/logql/line-labels.ts";
import { compilePipeline } from "../../languages/logql/pipeline.ts";
import { requiredLabels } from "../../languages/logql/required-labels.ts";
import type { Labels } from "../../series/labels.ts";
import { type Block, mayHaveMetadata } from "../store/block.ts";
import { CountColumns } from "./count-columns.ts";
import type { Evaluation } from "./evaluate.ts";
import { pipelineError } from "./query-error.ts";
import type { StepSeries } from "./result.ts";
import { SampleColumns } from "./sample-columns.ts";
import { type RowVisitor, Scanner } from "./scan.ts";
import { SeriesTable } from "./series-table.ts";
import { compileUnwrap } from "./unwrap.ts";

/** Stages after which a line has another length. */
const LINE_STAGES: ReadonlySet<string> = new Set(["lineFormat", "unpack", "decolorize"]);

/** Which labels a series of the result has. */
type Keying =
  | { readonly kind: "by"; readonly names: readonly string[] }
  /** `metadata`: names of structured metadata that become labels all the same. */
  | { readonly kind: "without"; readonly names: ReadonlySet<string>; readonly metadata: readonly string[] };

/**
 * Evaluates one range aggregation over a grid.
 * @param groups Names of an aggregation around it that sums anyway: then series are grouped while lines are read.
 */
export async function evaluateRange(
  { store, grid, run, named }: Evaluation,
  expr: RangeAggregation,
  groups?: readonly string[],
): Promise<StepSeries[]> {
  const keying = keyingOf(expr, groups, named);
  const names = keying.kind === "by" ? requiredLabels(expr, keying.names) : undefined;
  const pipeline = compilePipeline(expr.log.stages, names);
  const unwrap = expr.unwrap === undefined ? undefined : compileUnwrap(expr.unwrap);
  const postFilters = (expr.unwrap?.filters ?? []).map(compileLabelFilter);
  const labels = new LineLabels();
  const scanner = new Scanner(
    {
      pipeline,
      // (first step - range, last step], shifted by the offset
      from: { ms: grid.startMs - expr.rangeMs - expr.offsetMs, ns: 1 },
      to: { ms: grid.startMs + (grid.steps - 1) * grid.stepMs - expr.offsetMs, ns: 1 },
      backward: false,
      needsLines: false,
    },
    labels,
    run,
  );
  const columns = unwrap === undefined ? new CountColumns(expr, grid) : new SampleColumns(expr, grid);
  const table = new SeriesTable(columns, grid.steps);
  const blocks = store.select(
    expr.log.matchers,
    grid.startMs - expr.rangeMs - expr.offsetMs,
    grid.startMs + grid.steps * grid.stepMs - expr.offsetMs,
  );
  const rewritesLines = expr.log.stages.some(({ kind }) => LINE_STAGES.has(kind));
  const touchesLabels = unwrap !== undefined || (pipeline.stages.length > 0 && expr.log.stages.some(changesLabels));
  blocks.sort((left, right) => left.minMs - right.minMs);
  await scanner.scan(blocks, {
    begin(block) {
      const fixed =
        touchesLabels || mayHaveMetadata(block, keying.kind === "by" ? keying.names : keying.metadata)
          ? undefined
          : table.indexOf(streamKey(block, keying));
      const visit: RowVisitor = (rows, row, line) => {
        let value = 0;
        if (unwrap !== undefined) {
          const unwrapped = unwrap(labels);
          if (unwrapped === undefined || !postFilters.every((passes) => passes(labels))) return true;
          value = unwrapped;
          run.addSample();
        } else value = rewritesLines ? Buffer.byteLength(line) : rows.lineBytes[row]!;
        if (touchesLabels && labels.error !== "") {
          throw pipelineError(labels.error, labels.errorDetails, labels.result(true).toString());
        }
        const series = fixed ?? seriesOf(table, labels, keying);
        columns.add(series, rows.timestampsMs[row]! + rows.subMsNs[row]! / 1e6, value);
        return true;
      };
      const takeWhole = (): boolean =>
        fixed !== undefined && columns instanceof CountColumns && columns.addBlock(fixed, block);
      return { visit, usesLabels: fixed === undefined, takeWhole };
    },
  });
  return table.finish(expr);
}

/** Whether a line may leave the stage with other labels than it came with, an error included. */
function changesLabels(stage: Stage): boolean {
  if (stage.kind === "labelFilter") return comparesNumbers(stage.filter);
  return stage.kind !== "lineFilter" && stage.kind !== "decolorize";
}

function comparesNumbers(filter: LabelFilter): boolean {
  if (filter.kind === "and" || filter.kind === "or")
    return comparesNumbers(filter.left) || comparesNumbers(filter.right);
  return filter.kind === "compare";
}

function keyingOf(expr: RangeAggregation, groups: readonly string[] | undefined, named: ReadonlySet<string>): Keying {
  if (expr.grouping !== undefined && !expr.grouping.without)
    return { kind: "by", names: [...expr.grouping.names].sort() };
  const dropped = new Set(expr.grouping?.names ?? []);
  if (expr.unwrap !== undefined) dropped.add(expr.unwrap.name);
  if (groups !== undefined && expr.grouping === undefined) return { kind: "by", names: [...groups].sort() };
  return { kind: "without", names: dropped, metadata: [...named].filter((name) => !dropped.has(name)) };
}

function streamKey(block: Block, keying: Keying): Labels {
  if (keying.kind === "without") return block.labels.without(keying.names);
  return block.labels.keep(new Set(keying.names));
}

/**
 * Structured metadata is left out of a series unless the query names it: ids of single requests would make a series of
 * every line, which nobody asks for and the series limit would refuse.
 */
function seriesOf(table: SeriesTable, labels: LineLabels, keying: Keying): number {
  if (keying.kind === "by") return table.indexOfLine(keying.names, labels);
  let result = labels.result(false);
  for (const name of keying.metadata) if (!result.has(name)) result = result.with(name, labels.get(name));
  return table.indexOf(result.without(keying.names));
}
