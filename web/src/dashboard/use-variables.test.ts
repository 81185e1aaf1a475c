import { afterEach, expect, test, vi } from "vitest";
import { DataSourceDirectory } from "../api/data-sources.ts";
import { readVariable } from "../variables/model.ts";
import { dependencyLevels, earlyStates, loadVariables, meaningOf } from "./use-variables.ts";

const directory = new DataSourceDirectory([
  { uid: "p", name: "Prometheus", type: "prometheus", isDefault: true },
  { uid: "m", name: "Mimir", type: "prometheus" },
]);
const names = (levels: { name: string }[][]) => levels.map((level) => level.map(({ name }) => name));

afterEach(() => vi.unstubAllGlobals());

test("variables are asked after those they mention; a circle comes last", () => {
  const models = [
    readVariable({ name: "c", type: "query", query: 'label_values(up{a=~"$a", b="${b}"}, c)' }),
    readVariable({ name: "b", type: "query", query: 'label_values(up{a=~"[[a]]"}, b)' }),
    readVariable({ name: "a", type: "query", query: "label_values(a)" }),
    readVariable({ name: "x", type: "query", query: "$y" }),
    readVariable({ name: "y", type: "query", query: "$x" }),
  ];
  expect(names(dependencyLevels(models))).toEqual([["a"], ["b"], ["c"], ["x", "y"]]);
});

test("chained queries see the values chosen before; an error keeps the page alive", async () => {
  const urls: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    urls.push(decodeURIComponent(url));
    if (url.includes("/label/c/")) return new Response("label c is broken", { status: 500 });
    return new Response(JSON.stringify({ data: url.includes("/label/a/") ? ["a1", "a2"] : ["b1"] }));
  });
  const models = [
    readVariable({ name: "ds", type: "datasource", query: "prometheus", current: { value: "m" } }),
    readVariable({ name: "a", type: "query", datasource: { uid: "${ds}" }, query: "label_values(a)", multi: true }),
    readVariable({ name: "b", type: "query", datasource: { uid: "${ds}" }, query: 'label_values(up{a=~"$a"}, b)' }),
    readVariable({ name: "c", type: "query", query: "label_values(c)" }),
  ];
  const states = await loadVariables(
    models,
    directory,
    { a: ["a1", "a2"] },
    { from: "now-1h", to: "now" },
    new AbortController().signal,
  );
  expect([...states.keys()]).toEqual(["ds", "a", "b", "c"]);
  expect(urls.find((url) => url.includes("/uid/m/") && url.includes('up{a=~"(a1|a2)"}'))).toBeDefined();
  expect(states.get("b")?.values).toEqual(["b1"]);
  expect(states.get("c")?.error).toBe("label c is broken");
});

test("values known without options are there at once", () => {
  const known = readVariable({
    name: "a",
    type: "query",
    includeAll: true,
    allValue: ".*",
    current: { value: "$__all" },
  });
  const needs = readVariable({ name: "b", type: "query", includeAll: true, current: { value: "$__all" } });
  expect(earlyStates([known], {})?.get("a")?.values).toEqual(["$__all"]);
  expect(earlyStates([known, needs], {})).toBeUndefined();
  expect(earlyStates([needs], { b: ["x"] })?.get("b")?.values).toEqual(["x"]);
  const early = earlyStates([known], {})!;
  const later = new Map([["a", { ...early.get("a")!, options: [{ text: "o", value: "o" }] }]]);
  expect(meaningOf(later)).toBe(meaningOf(early));
});
