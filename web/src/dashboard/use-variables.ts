import { useEffect, useMemo, useRef, useState } from "react";
import { isAbort } from "../api/client.ts";
import type { DataSourceDirectory } from "../api/data-sources.ts";
import type { Search } from "../app/search.ts";
import { type RawRange, resolveRange } from "../time/range.ts";
import { chosenTexts, chosenValues, interpolate, type VariableScope } from "../variables/interpolate.ts";
import { chooseValues, shapeOptions, staticOptions } from "../variables/model.ts";
import { queryOptions } from "../variables/query.ts";
import { ALL_VALUE, type VariableModel, type VariableOption, type VariableState } from "../variables/types.ts";

/**
 * The states of a page's variables. Where every value is known from the document and the address, they are there at
 * once and the options follow, so that panels need not wait for lists that they do not use; otherwise undefined until
 * each variable has been asked once.
 */
export function useVariables(
  models: readonly VariableModel[] | undefined,
  directory: DataSourceDirectory | undefined,
  search: Search,
  raw: RawRange,
  refreshKey: number,
): ReadonlyMap<string, VariableState> | undefined {
  const [states, setStates] = useState<{ models: readonly VariableModel[]; map: ReadonlyMap<string, VariableState> }>();
  const chosen = useMemo(() => valuesFromSearch(search), [search]);
  const chosenKey = JSON.stringify(chosen);
  const latest = useRef(chosen);
  latest.current = chosen;
  // biome-ignore lint/correctness/useExhaustiveDependencies: values are compared by content, and `refreshKey` asks again.
  useEffect(() => {
    if (models === undefined || directory === undefined) return;
    const controller = new AbortController();
    const load = async () => {
      const map = await loadVariables(models, directory, latest.current, raw, controller.signal);
      if (!controller.signal.aborted) setStates({ models, map });
    };
    load().catch((error: unknown) => {
      if (!isAbort(error) && !controller.signal.aborted) throw error;
    });
    return () => controller.abort();
  }, [models, directory, chosenKey, raw.from, raw.to, refreshKey]);
  const early = useMemo(() => (models === undefined ? undefined : earlyStates(models, chosen)), [models, chosen]);
  return states !== undefined && states.models === models ? states.map : early;
}

/** States without options; undefined if some variable's meaning depends on its options. */
export function earlyStates(
  models: readonly VariableModel[],
  chosen: Readonly<Record<string, string[]>>,
): ReadonlyMap<string, VariableState> | undefined {
  const states = new Map<string, VariableState>();
  for (const model of models) {
    const options = staticOptions(model);
    const values = chooseValues(model, options ?? [], chosen[model.name]);
    const isAll = values.includes(ALL_VALUE);
    const needsOptions = values.length === 0 || (isAll && (model.allValue === undefined || model.allValue === ""));
    if (options === undefined && (needsOptions || model.kind === "datasource")) return undefined;
    states.set(model.name, { model, options: options ?? [], values });
  }
  return states;
}

/** What the variables mean to queries, as text: two maps with the same text fill every query alike. */
export function meaningOf(variables: ReadonlyMap<string, VariableState>): string {
  return JSON.stringify(
    [...variables.values()].map((state) => [state.model.name, chosenValues(state).values, chosenTexts(state)]),
  );
}

/** `var-name=value` parameters of a URL. */
function valuesFromSearch(search: Search): Record<string, string[]> {
  const values: Record<string, string[]> = {};
  for (const [key, value] of Object.entries(search)) {
    if (!key.startsWith("var-") || value === undefined) continue;
    values[key.slice(4)] = Array.isArray(value) ? value : [value];
  }
  return values;
}

/** Loads variables level by level, so that one is asked only after those it mentions. */
export async function loadVariables(
  models: readonly VariableModel[],
  directory: DataSourceDirectory,
  chosen: Readonly<Record<string, string[]>>,
  raw: RawRange,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VariableState>> {
  const range = resolveRange(raw, Date.now());
  const states = new Map<string, VariableState>();
  for (const level of dependencyLevels(models)) {
    const scope: VariableScope = { variables: new Map(states), range };
    const loaded = await Promise.all(
      level.map((model) => loadVariable(model, directory, chosen[model.name], scope, signal)),
    );
    for (const state of loaded) states.set(state.model.name, state);
  }
  // Order of declaration is order of display.
  return new Map(models.flatMap((model) => (states.has(model.name) ? [[model.name, states.get(model.name)!]] : [])));
}

/** Groups variables so that each group mentions only earlier ones; members of a circle come last. */
export function dependencyLevels(models: readonly VariableModel[]): VariableModel[][] {
  const names = new Set(models.map((model) => model.name));
  const needs = new Map(models.map((model) => [model.name, mentions(model, names)]));
  const done = new Set<string>();
  const levels: VariableModel[][] = [];
  let rest = [...models];
  while (rest.length > 0) {
    let level = rest.filter((model) => [...needs.get(model.name)!].every((name) => done.has(name)));
    if (level.length === 0) level = rest;
    levels.push(level);
    for (const model of level) done.add(model.name);
    rest = rest.filter((model) => !done.has(model.name));
  }
  return levels;
}

function mentions(model: VariableModel, names: ReadonlySet<string>): Set<string> {
  const text = JSON.stringify([model.query, model.regex, model.datasource]);
  const found = [...text.matchAll(/\$\{?(\w+)|\[\[(\w+)/g)].map(([, dollar, square]) => dollar ?? square!);
  return new Set(found.filter((name) => names.has(name) && name !== model.name));
}

async function loadVariable(
  model: VariableModel,
  directory: DataSourceDirectory,
  chosen: readonly string[] | undefined,
  scope: VariableScope,
  signal: AbortSignal,
): Promise<VariableState> {
  let options: VariableOption[];
  let error: string | undefined;
  try {
    options = staticOptions(model) ?? (await askOptions(model, directory, scope, signal));
  } catch (failure) {
    signal.throwIfAborted();
    error = failure instanceof Error ? failure.message : String(failure);
    options = model.storedOptions.filter((option) => option.value !== "$__all");
  }
  return { model, options, values: chooseValues(model, options, chosen), error };
}

async function askOptions(
  model: VariableModel,
  directory: DataSourceDirectory,
  scope: VariableScope,
  signal: AbortSignal,
): Promise<VariableOption[]> {
  if (model.kind === "datasource") {
    const sources = directory.all.filter((source) => source.type === String(model.query));
    return shapeOptions(
      sources.map((source) => ({ text: source.name, value: source.uid })),
      model,
    );
  }
  const source = directory.resolve(model.datasource, (text) => interpolate(text, scope));
  const raw = await queryOptions(
    source,
    model.query,
    scope.range,
    (text) => interpolate(text, scope, {}, "matcher"),
    signal,
  );
  return shapeOptions(raw, { ...model, regex: interpolate(model.regex, scope, {}, "pipe") });
}
