import { isTruthy, printValue, type TemplateValue, templateFunctions } from "./template-functions.ts";
import { type Command, type Operand, type Pipeline, parseTemplate, type TemplateNode } from "./template-parse.ts";

/** Longest text that one rendering may produce; `repeat` and the like could grow without end. */
const OUTPUT_LENGTH_MAX = 1024 * 1024;

/** What a template sees of one line. */
export interface TemplateInput {
  readonly line: string;
  /** Unix time in ms. */
  readonly timestampMs: number;
  get(name: string): string;
  names(): string[];
}

/** A compiled template. */
export interface Template {
  /** @throws Error where a function refuses its arguments. */
  render(input: TemplateInput): string;
}

/** Compiles a template. @throws Error for wrong syntax or an unknown function, worded as Go does. */
export function compileTemplate(text: string): Template {
  const nodes = parseTemplate(text);
  checkFunctions(nodes);
  return { render: (input) => new Rendering(input).run(nodes) };
}

function checkFunctions(nodes: readonly TemplateNode[]): void {
  const checkPipeline = (pipeline: Pipeline): void => {
    for (const { operands } of pipeline.commands) {
      for (const operand of operands) {
        if (operand.kind === "pipeline") checkPipeline(operand.pipeline);
        if (operand.kind === "function" && !isKnown(operand.name)) {
          throw new Error(`function ${JSON.stringify(operand.name)} not defined`);
        }
      }
    }
  };
  for (const node of nodes) {
    if (node.kind === "text") continue;
    checkPipeline(node.pipeline);
    if ("body" in node) {
      checkFunctions(node.body);
      checkFunctions(node.otherwise);
    }
  }
}

const LINE_FUNCTIONS = new Set(["__line__", "__timestamp__", "and", "or"]);

function isKnown(name: string): boolean {
  return LINE_FUNCTIONS.has(name) || Object.hasOwn(templateFunctions, name);
}

class Rendering {
  readonly #input: TemplateInput;
  readonly #variables = new Map<string, TemplateValue>();
  readonly #parts: string[] = [];
  #length = 0;

  constructor(input: TemplateInput) {
    this.#input = input;
  }

  run(nodes: readonly TemplateNode[]): string {
    this.#nodes(nodes, undefined);
    return this.#parts.join("");
  }

  /** `dot` is what `.` means; undefined for the labels of the line. */
  #nodes(nodes: readonly TemplateNode[], dot: TemplateValue): void {
    for (const node of nodes) {
      if (node.kind === "text") this.#write(node.text);
      else if (node.kind === "print") this.#write(printValue(this.#pipeline(node.pipeline, dot)));
      else if (node.kind === "assign") this.#variables.set(node.name, this.#pipeline(node.pipeline, dot));
      else this.#branch(node, dot);
    }
  }

  #branch(node: TemplateNode & { kind: "if" | "with" | "range" }, dot: TemplateValue): void {
    const value = this.#pipeline(node.pipeline, dot);
    if (node.kind === "range") {
      this.#range(node, value, dot);
      return;
    }
    if (node.variables[0] !== undefined) this.#variables.set(node.variables[0], value);
    if (isTruthy(value)) this.#nodes(node.body, node.kind === "with" ? value : dot);
    else this.#nodes(node.otherwise, dot);
  }

  #range(node: TemplateNode & { kind: "if" | "with" | "range" }, value: TemplateValue, dot: TemplateValue): void {
    const entries: [TemplateValue, TemplateValue][] =
      typeof value === "object" && value !== null
        ? Array.isArray(value)
          ? [...value.entries()]
          : Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
        : [];
    if (entries.length === 0) this.#nodes(node.otherwise, dot);
    const [first, second] = node.variables;
    for (const [key, item] of entries) {
      if (second !== undefined) {
        this.#variables.set(first!, key);
        this.#variables.set(second, item);
      } else if (first !== undefined) this.#variables.set(first, item);
      this.#nodes(node.body, item);
    }
  }

  #write(text: string): void {
    this.#length += text.length;
    if (this.#length > OUTPUT_LENGTH_MAX)
      throw new Error(`template output is longer than ${OUTPUT_LENGTH_MAX} characters`);
    this.#parts.push(text);
  }

  #pipeline(pipeline: Pipeline, dot: TemplateValue): TemplateValue {
    let value: TemplateValue;
    for (const [index, command] of pipeline.commands.entries()) {
      value = this.#command(command, dot, index === 0 ? [] : [value]);
    }
    return value;
  }

  #command({ operands }: Command, dot: TemplateValue, piped: readonly TemplateValue[]): TemplateValue {
    const [first, ...rest] = operands as [Operand, ...Operand[]];
    if (first.kind !== "function") {
      if (rest.length > 0 || piped.length > 0) throw new Error("can't give argument to non-function");
      return this.#operand(first, dot);
    }
    if (first.name === "and" || first.name === "or") return this.#logic(first.name, rest, dot, piped);
    return this.#call(first.name, [...rest.map((operand) => this.#operand(operand, dot)), ...piped]);
  }

  /** `and` and `or` stop at the argument that decides, and return it. */
  #logic(
    name: "and" | "or",
    operands: readonly Operand[],
    dot: TemplateValue,
    piped: readonly TemplateValue[],
  ): TemplateValue {
    let value: TemplateValue;
    for (const operand of operands) {
      value = this.#operand(operand, dot);
      if (isTruthy(value) === (name === "or")) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #call(name: string, args: readonly TemplateValue[]): TemplateValue {
    if (name === "__line__") return this.#input.line;
    if (name === "__timestamp__") return new Date(this.#input.timestampMs);
    return templateFunctions[name]!(...args);
  }

  #operand(operand: Operand, dot: TemplateValue): TemplateValue {
    switch (operand.kind) {
      case "literal":
        return operand.value;
      case "field":
        if (dot !== undefined) return follow(dot, operand.path);
        if (operand.path.length === 0) return this.#labels();
        return operand.path.length === 1 ? this.#input.get(operand.path[0]!) : undefined;
      case "variable":
        if (operand.name === "$") {
          return operand.path.length === 0 ? this.#labels() : this.#input.get(operand.path[0]!);
        }
        return follow(this.#variables.get(operand.name), operand.path);
      case "pipeline":
        return follow(this.#pipeline(operand.pipeline, dot), operand.path);
      case "function":
        return this.#call(operand.name, []);
    }
  }

  #labels(): Record<string, string> {
    const labels: Record<string, string> = Object.create(null);
    for (const name of this.#input.names()) labels[name] = this.#input.get(name);
    return labels;
  }
}

function follow(value: TemplateValue, path: readonly string[]): TemplateValue {
  let current = value;
  for (const key of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string, TemplateValue>)[key];
  }
  return current;
}
