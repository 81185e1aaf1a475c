import type { Matcher } from "../../series/queryable.ts";
import type { Stage } from "./ast.ts";
import { formatStage } from "./format.ts";
import { compileLabelFilter } from "./label-filter.ts";
import { compileLineFilter, type LineFilter } from "./line-filter.ts";
import type { LineLabels } from "./line-labels.ts";
import { ParseError } from "./parse-error.ts";
import { compileParser } from "./parser-stage.ts";
import { compileTemplate, type TemplateInput } from "./template.ts";

/** ANSI escape sequences, as `decolorize` removes them. */
const ANSI = /\x1b(?:\[[0-9;:]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\))/g;

const ERRORS: ReadonlySet<string> = new Set(["__error__", "__error_details__"]);

/** Stages that never look at the line (a `label_format` template may). */
const LABEL_STAGES: ReadonlySet<Stage["kind"]> = new Set(["labelFilter", "drop", "keep"]);

/** One compiled stage: the line as the next stage sees it, or undefined where the line is dropped. */
export type StageFunction = (line: string, labels: LineLabels, timestampMs: number) => string | undefined;

/** A compiled pipeline, reused for every line of a query. */
export interface Pipeline {
  /** Line filters before any other stage: a store may apply them to whole blocks. */
  readonly lineFilters: readonly LineFilter[];
  /** The stages after `lineFilters`; empty where the labels stay as they are stored. */
  readonly stages: readonly StageFunction[];
  /** Whether a stage looks at the line, so that it must be read even where the result has no lines. */
  readonly readsLines: boolean;
  /**
   * Label matchers that open `stages`, in order: where a block's rows cannot differ from their stream in these labels,
   * a store decides them once per block and skips that many stages.
   */
  readonly leadingMatchers: readonly Matcher[];
}

/**
 * Compiles the stages of a query.
 * @param wanted Label names that the result needs, so that parsers cut out only those; undefined for all.
 * @throws ParseError naming the stage at fault.
 */
export function compilePipeline(stages: readonly Stage[], wanted?: ReadonlySet<string>): Pipeline {
  const lineFilters: LineFilter[] = [];
  const rest: StageFunction[] = [];
  const leadingMatchers: Matcher[] = [];
  for (const stage of stages) {
    if (passesEverything(stage)) continue;
    // Before any stage that can fail there is no error to drop.
    if (dropsErrorsOnly(stage) && rest.length === leadingMatchers.length) continue;
    try {
      if (stage.kind === "lineFilter" && rest.length === 0) lineFilters.push(compileLineFilter(stage));
      else rest.push(compileStage(stage, wanted));
    } catch (error) {
      if (error instanceof ParseError) throw error;
      throw new ParseError(`stage '${formatStage(stage)}' : ${(error as Error).message}`);
    }
    const isMatcher = stage.kind === "labelFilter" && stage.filter.kind === "match";
    if (isMatcher && leadingMatchers.length === rest.length - 1) leadingMatchers.push(stage.filter.matcher);
  }
  const readsLines = stages.some((stage) => !LABEL_STAGES.has(stage.kind) && !passesEverything(stage));
  return { lineFilters, stages: rest, readsLines, leadingMatchers };
}

/** `|= ""`, which a dashboard's empty search box leaves behind; counting would read every line for it. */
function passesEverything(stage: Stage): boolean {
  if (stage.kind !== "lineFilter" || (stage.op !== "|=" && stage.op !== "|~")) return false;
  return stage.values.some(({ text, ip }) => !ip && (text === "" || (stage.op === "|~" && text === ".*")));
}

/** `| drop __error__`, which Grafana adds to its volume queries. */
function dropsErrorsOnly(stage: Stage): boolean {
  return stage.kind === "drop" && stage.labels.every(({ name, matcher }) => matcher === undefined && ERRORS.has(name));
}

/** Runs the stages after the leading line filters. */
export function runStages(
  stages: readonly StageFunction[],
  line: string,
  labels: LineLabels,
  timestampMs: number,
): string | undefined {
  let current: string | undefined = line;
  for (const stage of stages) {
    current = stage(current, labels, timestampMs);
    if (current === undefined) return undefined;
  }
  return current;
}

function compileStage(stage: Stage, wanted: ReadonlySet<string> | undefined): StageFunction {
  switch (stage.kind) {
    case "lineFilter": {
      const filter = compileLineFilter(stage);
      return (line) => (filter.test(line) ? line : undefined);
    }
    case "labelFilter": {
      const passes = compileLabelFilter(stage.filter);
      return (line, labels) => (passes(labels) ? line : undefined);
    }
    case "json":
    case "logfmt":
    case "regexp":
    case "pattern":
    case "unpack":
      return compileParser(stage, wanted);
    case "decolorize":
      return (line) => (line.includes("\x1b") ? line.replace(ANSI, "") : line);
    case "lineFormat":
      return compileLineFormat(stage.text);
    case "labelFormat":
      return compileLabelFormat(stage);
    case "drop":
      return (line, labels) => {
        for (const { name, matcher } of stage.labels) {
          if (matcher === undefined || matcher.matches(labels.get(name))) labels.remove(name);
        }
        return line;
      };
    case "keep":
      return (line, labels) => {
        for (const name of labels.names()) {
          const kept = stage.labels.some(
            (label) => label.name === name && (label.matcher === undefined || label.matcher.matches(labels.get(name))),
          );
          if (!kept) labels.remove(name);
        }
        return line;
      };
  }
}

function compileLineFormat(text: string): StageFunction {
  const template = wrap("invalid line template: template: line:1", () => compileTemplate(text));
  return (line, labels, timestampMs) => {
    try {
      return template.render(templateInput(line, labels, timestampMs));
    } catch (error) {
      labels.setError("TemplateFormatErr", (error as Error).message);
      return line;
    }
  };
}

function compileLabelFormat(stage: Stage & { kind: "labelFormat" }): StageFunction {
  const formats = stage.formats.map((format) => ({
    ...format,
    compiled: format.template
      ? wrap(`invalid template for label '${format.name}': template: label:1`, () => compileTemplate(format.value))
      : undefined,
  }));
  return (line, labels, timestampMs) => {
    for (const { name, value, compiled } of formats) {
      if (compiled === undefined) {
        const moved = labels.get(value);
        if (moved === "") continue;
        labels.set(name, moved);
        labels.remove(value);
        continue;
      }
      try {
        labels.set(name, compiled.render(templateInput(line, labels, timestampMs)));
      } catch (error) {
        labels.setError("TemplateFormatErr", (error as Error).message);
      }
    }
    return line;
  };
}

function templateInput(line: string, labels: LineLabels, timestampMs: number): TemplateInput {
  return { line, timestampMs, get: (name) => labels.get(name), names: () => labels.names() };
}

function wrap<T>(prefix: string, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    throw new Error(`${prefix}: ${(error as Error).message}`);
  }
}
