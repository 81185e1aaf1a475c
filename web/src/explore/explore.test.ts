import { syntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { expect, test } from "vitest";
import type { DataSource } from "../api/types.ts";
import { EXAMPLE_QUERIES, explorePanels } from "./explore-panels.ts";
import { queryLanguage } from "./languages.ts";
import { exploreUrl, traceLogsUrl, traceUrl } from "./urls.ts";

const source = (type: string): DataSource => ({ uid: `grafana_${type}`, name: type, type });

test("addresses of Explore are stable", () => {
  expect(exploreUrl("loki", '{a="b"}', { from: "now-5m", to: "now" })).toBe(
    "/explore?ds=loki&query=%7Ba%3D%22b%22%7D&from=now-5m&to=now",
  );
  expect(traceUrl("grafana_tempo", "abc", "def")).toBe("/explore?ds=grafana_tempo&traceId=abc&spanId=def");
  const logs = new URL(traceLogsUrl("loki", "abc", 1_000_000, 1_000_500), "http://x");
  expect(logs.searchParams.get("query")).toBe('{app=~".+"} |= "abc"');
  expect([logs.searchParams.get("from"), logs.searchParams.get("to")]).toEqual(["700000", "1300500"]);
});

const answers: [string, string, string[]][] = [
  ["prometheus", "up", ["timeseries", "table"]],
  ["loki", '{app="x"}', ["timeseries", "logs"]],
  ["loki", 'sum(rate({app="x"}[1m]))', ["timeseries", "table"]],
  ["tempo", "{ duration > 1s }", ["traces", "table"]],
  ["tempo", "{} | rate()", ["timeseries"]],
  ["tempo", "  ", []],
];
for (const [type, query, panels] of answers) {
  test(`${type} "${query}" is answered by ${panels.join(" and ") || "nothing"}`, () => {
    expect(explorePanels(source(type), query).map(({ panel }) => panel.type)).toEqual(panels);
  });
}

// PromQL's editor package is CommonJS in Node and would bring a second CodeMirror; browsers get one bundle.
for (const [type, examples] of Object.entries(EXAMPLE_QUERIES).filter(([name]) => name !== "prometheus")) {
  for (const { query } of examples) {
    test(`the example ${query} is valid for the editor's grammar`, () => {
      const state = EditorState.create({ doc: query, extensions: [queryLanguage(source(type))] });
      const errors: string[] = [];
      syntaxTree(state).iterate({
        enter: (node) => void (node.type.isError && errors.push(query.slice(node.from, node.to + 5))),
      });
      expect(errors).toEqual([]);
    });
  }
}
