import type { Labels } from "../../series/labels.ts";
import { TEMPLATE_OUTPUT_CHARS_MAX } from "../limits.ts";
import { formatAny } from "./go-format.ts";
import { isTrue, TEMPLATE_FUNCTIONS, type TemplateSample } from "./template-functions.ts";
import { type Expression, parseTemplate, TemplateError, type TemplateNode } from "./template-parse.ts";

/** Rounds of all loops of one expansion. */
const LOOP_ROUNDS_MAX = 10_000;

/** What a template may look at. */
export interface TemplateData {
  readonly labels: Labels;
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly value: number;
  /** Runs PromQL at the time of the evaluation, for `query`. */
  readonly query: (expression: string) => Promise<TemplateSample[]>;
}

/** A template that parsed and names only functions that exist; expands without ever throwing. */
export class Template {
  readonly #nodes: readonly TemplateNode[];

  /** @throws TemplateError */
  constructor(text: string) {
    this.#nodes = parseTemplate(text);
    checkFunctions(this.#nodes);
  }

  /** The expanded text; an error while expanding becomes the text `<error expanding template: …>`, as in Prometheus. */
  async expand(data: TemplateData): Promise<string> {
    try {
      const run = new TemplateRun(data);
      await run.nodes(this.#nodes, run.root);
      return run.output;
    } catch (error) {
      return `<error expanding template: ${(error as Error).message}>`;
    }
  }
}

class TemplateRun {
  output = "";
  readonly root: ReadonlyMap<string, unknown>;
  readonly #variables: Map<string, unknown>;
  readonly #data: TemplateData;
  #rounds = 0;

  constructor(data: TemplateData) {
    this.#data = data;
    const labels = new Map(data.labels.entries());
    const externalLabels = new Map(data.externalLabels.entries());
    this.root = new Map<string, unknown>([
      ["Labels", labels],
      ["ExternalLabels", externalLabels],
      ["ExternalURL", data.externalUrl],
      ["Value", data.value],
    ]);
    this.#variables = new Map<string, unknown>([
      ["$", this.root],
      ["labels", labels],
      ["externalLabels", externalLabels],
      ["externalURL", data.externalUrl],
      ["value", data.value],
    ]);
  }

  async nodes(nodes: readonly TemplateNode[], dot: unknown): Promise<void> {
    for (const node of nodes) await this.#node(node, dot);
  }

  async #node(node: TemplateNode, dot: unknown): Promise<void> {
    switch (node.kind) {
      case "text":
        return this.#write(node.text);
      case "print":
        return this.#write(formatAny(await this.#evaluate(node.value, dot)));
      case "assign":
        this.#variables.set(node.variable, await this.#evaluate(node.value, dot));
        return;
      case "if":
      case "with": {
        const value = await this.#evaluate(node.condition, dot);
        if (node.variable !== undefined) this.#variables.set(node.variable, value);
        if (!isTrue(value)) return this.nodes(node.otherwise, dot);
        return this.nodes(node.body, node.kind === "with" ? value : dot);
      }
      case "range":
        return this.#range(node, dot);
    }
  }

  async #range(node: Extract<TemplateNode, { kind: "range" }>, dot: unknown): Promise<void> {
    const over = await this.#evaluate(node.over, dot);
    const entries: [unknown, unknown][] =
      over instanceof Map ? [...over].sort() : Array.isArray(over) ? [...over.entries()] : [];
    if (entries.length === 0) return this.nodes(node.otherwise, dot);
    for (const [key, value] of entries) {
      if (++this.#rounds > LOOP_ROUNDS_MAX) throw new TemplateError(`more than ${LOOP_ROUNDS_MAX} rounds`);
      const [first, second] = node.variables;
      if (second !== undefined) this.#variables.set(first!, key).set(second, value);
      else if (first !== undefined) this.#variables.set(first, value);
      await this.nodes(node.body, value);
    }
  }

  async #evaluate(expression: Expression, dot: unknown): Promise<unknown> {
    switch (expression.kind) {
      case "constant":
        return expression.value;
      case "field":
        return select(this.#variable(expression.variable, dot), expression.path);
      case "select":
        return select(await this.#evaluate(expression.from, dot), expression.path);
      case "call": {
        const args: unknown[] = [];
        for (const arg of expression.args) args.push(await this.#evaluate(arg, dot));
        return this.#call(expression.name, args);
      }
    }
  }

  #variable(name: string, dot: unknown): unknown {
    if (name === "") return dot;
    if (!this.#variables.has(name)) throw new TemplateError(`undefined variable "$${name}"`);
    return this.#variables.get(name);
  }

  #call(name: string, args: readonly unknown[]): unknown {
    if (name === "query") return this.#data.query(formatAny(args[0]));
    if (name === "externalURL") return this.#data.externalUrl;
    if (name === "pathPrefix") return "";
    if (name === "graphLink" || name === "tableLink") {
      const tab = name === "graphLink" ? 0 : 1;
      return `/graph?g0.expr=${encodeURIComponent(formatAny(args[0]))}&g0.tab=${tab}`;
    }
    return TEMPLATE_FUNCTIONS[name]!(...args);
  }

  #write(text: string): void {
    this.output += text;
    if (this.output.length > TEMPLATE_OUTPUT_CHARS_MAX) {
      throw new TemplateError(`output is longer than ${TEMPLATE_OUTPUT_CHARS_MAX} characters`);
    }
  }
}

const CONTEXT_FUNCTIONS = new Set(["query", "externalURL", "pathPrefix", "graphLink", "tableLink"]);

function select(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (current instanceof Map) current = current.get(name);
    else if (typeof current === "object" && current !== null && (name === "Labels" || name === "Value")) {
      current = (current as TemplateSample)[name];
    } else throw new TemplateError(`can't evaluate field ${name}`);
    // Labels that are absent read as empty (`missingkey=zero`).
    current ??= "";
  }
  return current;
}

function checkFunctions(nodes: readonly TemplateNode[]): void {
  for (const node of nodes) {
    if (node.kind === "text") continue;
    if (node.kind === "print" || node.kind === "assign") checkExpression(node.value);
    else {
      checkExpression(node.kind === "range" ? node.over : node.condition);
      checkFunctions(node.body);
      checkFunctions(node.otherwise);
    }
  }
}

function checkExpression(expression: Expression): void {
  if (expression.kind === "select") checkExpression(expression.from);
  if (expression.kind !== "call") return;
  if (!CONTEXT_FUNCTIONS.has(expression.name) && !Object.hasOwn(TEMPLATE_FUNCTIONS, expression.name)) {
    throw new TemplateError(`function ${JSON.stringify(expression.name)} not defined`);
  }
  for (const arg of expression.args) checkExpression(arg);
}
