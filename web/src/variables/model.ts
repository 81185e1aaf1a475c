import { ALL_VALUE, type VariableKind, type VariableModel, type VariableOption } from "./types.ts";

const KINDS = new Set<string>(["query", "custom", "textbox", "constant", "interval", "datasource", "adhoc"]);

/** Reads one entry of `templating.list`, in any of the shapes that schema versions 27 to 41 use. */
export function readVariable(json: Record<string, unknown>): VariableModel {
  const kind = KINDS.has(String(json["type"])) ? (String(json["type"]) as VariableKind) : "other";
  const current = (json["current"] ?? {}) as { value?: unknown };
  const options = Array.isArray(json["options"]) ? (json["options"] as Record<string, unknown>[]) : [];
  return {
    name: String(json["name"] ?? ""),
    label: typeof json["label"] === "string" && json["label"] !== "" ? json["label"] : String(json["name"] ?? ""),
    kind,
    hide: Number(json["hide"] ?? 0),
    multi: json["multi"] === true,
    includeAll: json["includeAll"] === true,
    allValue: typeof json["allValue"] === "string" ? json["allValue"] : undefined,
    regex: typeof json["regex"] === "string" ? json["regex"] : "",
    sort: Number(json["sort"] ?? 0),
    datasource: json["datasource"] as VariableModel["datasource"],
    query: json["query"] ?? json["definition"] ?? "",
    storedOptions: options.map((option) => ({
      text: String(option["text"] ?? option["value"] ?? ""),
      value: flatten(option["value"])[0] ?? "",
    })),
    current: flatten(current.value),
  };
}

function flatten(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map(String);
  return [String(value)];
}

/** Options of the kinds that need no data source; undefined where a query (or a list of sources) is needed. */
export function staticOptions(model: VariableModel): VariableOption[] | undefined {
  switch (model.kind) {
    case "custom":
      return parseCustom(String(model.query));
    case "interval":
      return splitCommas(String(model.query)).map((text) => ({ text, value: text }));
    case "textbox": {
      const text = model.current[0] ?? String(model.query);
      return [{ text, value: text }];
    }
    case "constant": {
      const text = String(model.query);
      return [{ text, value: text }];
    }
    case "adhoc":
    case "other":
      return model.storedOptions;
    default:
      return undefined;
  }
}

/** `a,b`, `key : value` pairs, with `\,` for a comma inside a value. */
function parseCustom(query: string): VariableOption[] {
  return splitCommas(query).map((entry) => {
    const pair = /^(.+?)\s+:\s+(.+)$/.exec(entry);
    return pair === null ? { text: entry, value: entry } : { text: pair[1]!.trim(), value: pair[2]!.trim() };
  });
}

function splitCommas(text: string): string[] {
  return (text.match(/(?:\\,|[^,])+/g) ?? [])
    .map((entry) => entry.replaceAll("\\,", ",").trim())
    .filter((entry) => entry !== "");
}

/** Applies a variable's regex (with optional `text` and `value` groups) and its sort order to raw values. */
export function shapeOptions(raw: readonly VariableOption[], model: VariableModel): VariableOption[] {
  const pattern = model.regex === "" ? undefined : toRegExp(model.regex);
  const seen = new Set<string>();
  const options: VariableOption[] = [];
  for (const option of raw) {
    const shaped = pattern === undefined ? option : applyPattern(option, pattern);
    if (shaped === undefined || seen.has(shaped.value)) continue;
    seen.add(shaped.value);
    options.push(shaped);
  }
  return sortOptions(options, model.sort);
}

function applyPattern(option: VariableOption, pattern: RegExp): VariableOption | undefined {
  pattern.lastIndex = 0;
  const match = pattern.exec(option.value) ?? (option.text === option.value ? null : pattern.exec(option.text));
  if (match === null) return undefined;
  const value = match.groups?.["value"] ?? match.groups?.["text"] ?? match[1] ?? match[0];
  return { value, text: match.groups?.["text"] ?? value };
}

/** `/pattern/flags` or a bare pattern; undefined when it does not compile, which then filters nothing. */
function toRegExp(text: string): RegExp | undefined {
  const slashed = /^\/([\s\S]*)\/([gimsuy]*)$/.exec(text);
  try {
    return slashed === null ? new RegExp(`^${text}$`) : new RegExp(slashed[1]!, slashed[2]!.replace("g", ""));
  } catch {
    return undefined;
  }
}

/** Orders as the editor numbers them: 1/2 alphabetical, 3/4 numerical, 5/6 alphabetical without case, 7/8 natural. */
function sortOptions(options: VariableOption[], sort: number): VariableOption[] {
  if (sort === 0) return options;
  const number = (option: VariableOption) => Number(/-?\d+(\.\d+)?/.exec(option.text)?.[0] ?? Number.NaN);
  const compare = (a: VariableOption, b: VariableOption): number => {
    if (sort === 3 || sort === 4) return (number(a) || 0) - (number(b) || 0);
    if (sort === 5 || sort === 6) return a.text.toLowerCase().localeCompare(b.text.toLowerCase());
    if (sort >= 7) return a.text.localeCompare(b.text, undefined, { numeric: true });
    return a.text < b.text ? -1 : a.text > b.text ? 1 : 0;
  };
  const sorted = [...options].sort(compare);
  return sort % 2 === 0 ? sorted.reverse() : sorted;
}

/**
 * Which values are chosen: the URL's, else the document's, else the first option. Values that no longer exist are
 * dropped, as Grafana does, except in text boxes.
 */
export function chooseValues(
  model: VariableModel,
  options: readonly VariableOption[],
  fromUrl: readonly string[] | undefined,
): string[] {
  const normalise = (values: readonly string[]) =>
    values.map((value) =>
      value === "All" && model.includeAll && !options.some((option) => option.value === "All") ? ALL_VALUE : value,
    );
  if (model.kind === "textbox") return [fromUrl?.[0] ?? model.current[0] ?? String(model.query ?? "")];
  if (model.kind === "constant") return [String(model.query)];
  if (fromUrl !== undefined && fromUrl.length > 0) return normalise(fromUrl);
  const stored = normalise(model.current).filter((value) => value !== "");
  if (stored.includes(ALL_VALUE) && model.includeAll) return [ALL_VALUE];
  const known = stored.filter((value) => options.length === 0 || options.some((option) => option.value === value));
  if (known.length > 0) return model.multi ? known : known.slice(0, 1);
  if (model.includeAll) return [ALL_VALUE];
  return options.length > 0 ? [options[0]!.value] : stored.slice(0, 1);
}
