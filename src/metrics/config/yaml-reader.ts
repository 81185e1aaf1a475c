import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import { ConfigError } from "../../config/config-error.ts";
import { parseDurationMs } from "../../config/duration.ts";
import { nearestName } from "../../config/nearest.ts";

/** Aliases that one document may expand; more is a "billion laughs" file. */
const ALIASES_MAX = 100;
/** Wrong lines that one error names; the rest are counted. */
const PROBLEMS_SHOWN_MAX = 20;

/**
 * Collects what is wrong in one YAML file, so that a person sees all of it at once, in the words of Prometheus:
 * `line 3: field foo not found in type config.plain`.
 */
class YamlProblems {
  readonly file: string;
  /** Fields that Prometheus knows and this server does not act on. */
  readonly warnings: string[] = [];
  readonly #problems: { line: number; text: string }[] = [];
  readonly #lines: LineCounter;

  constructor(file: string, lines: LineCounter) {
    this.file = file;
    this.#lines = lines;
  }

  lineOf(node: unknown): number {
    const range = (node as { range?: [number, number, number] | null } | undefined)?.range;
    return range ? this.#lines.linePos(range[0]).line : 1;
  }

  add(node: unknown, text: string): void {
    this.#problems.push({ line: this.lineOf(node), text });
  }

  warn(node: unknown, text: string): void {
    this.warnings.push(`${this.file}:${this.lineOf(node)}: ${text}`);
  }

  /** @throws ConfigError listing every problem, when there is any. */
  throwIfAny(): void {
    if (this.#problems.length === 0) return;
    const shown = [...this.#problems].sort((left, right) => left.line - right.line).slice(0, PROBLEMS_SHOWN_MAX);
    const more = this.#problems.length - shown.length;
    const list = shown.map(({ line, text }) => `\n  line ${line}: ${text}`).join("");
    throw new ConfigError(
      `parsing YAML file ${this.file}: yaml: unmarshal errors:${list}${more > 0 ? `\n  and ${more} more` : ""}`,
    );
  }
}

/** The top mapping of a YAML text. @throws ConfigError when the text is no YAML. */
export function readYaml(text: string, file: string): YamlReader {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, merge: true });
  const broken = document.errors[0];
  if (broken !== undefined) {
    const { line } = lines.linePos(broken.pos[0]);
    throw new ConfigError(`parsing YAML file ${file}: yaml: line ${line}: ${broken.message}`);
  }
  const problems = new YamlProblems(file, lines);
  const root = document.contents as Node | null;
  let aliases = 0;
  const resolve = (node: unknown): unknown => {
    if (!isAlias(node)) return node;
    if (++aliases > ALIASES_MAX) throw new ConfigError(`parsing YAML file ${file}: more than ${ALIASES_MAX} aliases`);
    return node.resolve(document);
  };
  return new YamlReader(root, problems, resolve);
}

/**
 * Reads one mapping field by field. Each read marks the field as known; `finish` reports the others. A wrong value
 * is reported and read as if it were absent, so that one run names all mistakes.
 */
export class YamlReader {
  readonly problems: YamlProblems;
  readonly node: unknown;
  readonly #fields = new Map<string, { key: unknown; value: unknown }>();
  readonly #known = new Set<string>();
  readonly #resolve: (node: unknown) => unknown;

  constructor(node: unknown, problems: YamlProblems, resolve: (node: unknown) => unknown) {
    this.node = resolve(node);
    this.problems = problems;
    this.#resolve = resolve;
    if (isMap(this.node)) this.#collect(this.node);
    else if (!isNull(this.node)) problems.add(this.node, `cannot unmarshal ${describe(this.node)} into a mapping`);
  }

  #collect(map: YAMLMap): void {
    for (const { key, value } of map.items) {
      this.#fields.set(String(isScalar(key) ? key.value : key), { key, value: this.#resolve(value) });
    }
  }

  has(name: string): boolean {
    const field = this.#fields.get(name);
    return field !== undefined && !isNull(field.value);
  }

  /** The node under `name`, for error positions. */
  at(name: string): unknown {
    return this.#fields.get(name)?.key ?? this.node;
  }

  string(name: string): string | undefined {
    const node = this.#take(name);
    if (node === undefined) return undefined;
    return this.#scalarText(node, "string");
  }

  boolean(name: string): boolean | undefined {
    const node = this.#take(name);
    if (node === undefined) return undefined;
    if (isScalar(node) && typeof node.value === "boolean") return node.value;
    this.problems.add(node, `cannot unmarshal ${describe(node)} into bool`);
    return undefined;
  }

  /** A whole number of 0 or more. */
  count(name: string): number | undefined {
    const node = this.#take(name);
    if (node === undefined) return undefined;
    if (isScalar(node) && Number.isSafeInteger(node.value) && (node.value as number) >= 0) return node.value as number;
    this.problems.add(node, `cannot unmarshal ${describe(node)} into uint`);
    return undefined;
  }

  durationMs(name: string): number | undefined {
    const node = this.#take(name);
    if (node === undefined) return undefined;
    const text = this.#scalarText(node, "model.Duration");
    if (text === undefined) return undefined;
    const ms = parseDurationMs(text);
    if (ms === undefined) this.problems.add(node, `not a valid duration string: ${JSON.stringify(text)}`);
    return ms;
  }

  strings(name: string): string[] | undefined {
    const node = this.#take(name);
    if (node === undefined) return undefined;
    if (!isSeq(node)) {
      this.problems.add(node, `cannot unmarshal ${describe(node)} into []string`);
      return undefined;
    }
    return node.items.flatMap((item) => {
      const text = this.#scalarText(this.#resolve(item), "string");
      return text === undefined ? [] : [text];
    });
  }

  /** A mapping of strings, in file order. */
  stringMap(name: string): [string, string][] | undefined {
    const map = this.#mapping(name, "map[string]string");
    return map?.items.flatMap(({ key, value }): [string, string][] => {
      const text = this.#scalarText(this.#resolve(value), "string");
      return text === undefined ? [] : [[String(isScalar(key) ? key.value : key), text]];
    });
  }

  /** A mapping of lists of strings, as `params` is. */
  stringListMap(name: string): [string, string[]][] | undefined {
    const map = this.#mapping(name, "url.Values");
    if (map === undefined) return undefined;
    const reader = new YamlReader(map, this.problems, this.#resolve);
    return [...reader.#fields.keys()].map((key) => [key, reader.strings(key) ?? []]);
  }

  mapping(name: string): YamlReader | undefined {
    const node = this.#take(name);
    return node === undefined ? undefined : new YamlReader(node, this.problems, this.#resolve);
  }

  list(name: string): YamlReader[] | undefined {
    const node = this.#take(name);
    if (node === undefined) return undefined;
    if (isSeq(node)) return node.items.map((item) => new YamlReader(item, this.problems, this.#resolve));
    this.problems.add(node, `cannot unmarshal ${describe(node)} into a list`);
    return undefined;
  }

  /**
   * Reports fields that nobody read.
   * @param typeName  the name that Prometheus prints (`config.plain`).
   * @param unsupported fields that Prometheus 3 knows and this server accepts without effect; one warning each.
   */
  finish(typeName: string, unsupported: readonly string[] = []): void {
    for (const [name, { key }] of this.#fields) {
      if (this.#known.has(name)) continue;
      if (unsupported.includes(name)) {
        this.problems.warn(key, `field ${name} is accepted but has no effect here`);
        continue;
      }
      const near = nearestName(name, [...this.#known, ...unsupported]);
      const hint = near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
      this.problems.add(key, `field ${name} not found in type ${typeName}${hint}`);
    }
  }

  #take(name: string): unknown {
    this.#known.add(name);
    const node = this.#fields.get(name)?.value;
    return isNull(node) ? undefined : node;
  }

  #mapping(name: string, goType: string): YAMLMap | undefined {
    const node = this.#take(name);
    if (node === undefined || isMap(node)) return node;
    this.problems.add(node, `cannot unmarshal ${describe(node)} into ${goType}`);
    return undefined;
  }

  #scalarText(node: unknown, goType: string): string | undefined {
    // The source keeps `1.10` and `0x10` as a person wrote them, where the value would be a number.
    if (isScalar(node) && typeof node.value === "string") return node.value;
    if (isScalar(node) && node.value !== null && typeof node.value !== "object")
      return node.source ?? String(node.value);
    this.problems.add(node, `cannot unmarshal ${describe(node)} into ${goType}`);
    return undefined;
  }
}

function isNull(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

function describe(node: unknown): string {
  if (isMap(node)) return "!!map";
  if (isSeq(node)) return "!!seq";
  if (!isScalar(node) || node.value === null) return "!!null";
  const tag = typeof node.value === "boolean" ? "bool" : typeof node.value === "number" ? "number" : "str";
  return `!!${tag} \`${String(node.value).slice(0, 40)}\``;
}
