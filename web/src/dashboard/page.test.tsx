import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { keyed } from "../ui/keyed.ts";
import { TimeRangePicker } from "../ui/time-controls.tsx";
import { readVariable } from "../variables/model.ts";
import type { VariableState } from "../variables/types.ts";
import { VariableBar } from "./variable-bar.tsx";

const state = (json: Record<string, unknown>, values: string[], error?: string): [string, VariableState] => {
  const model = readVariable(json);
  return [model.name, { model, values, options: [{ text: "Uno", value: "1" }], error }];
};

test("the variable bar shows labels and chosen texts; hidden ones and constants stay out", () => {
  const html = renderToStaticMarkup(
    <VariableBar
      variables={
        new Map([
          state({ name: "a", type: "query", label: "Model" }, ["1"]),
          state({ name: "b", type: "query", multi: true, includeAll: true, hide: 1 }, ["$__all"], "no source"),
          state({ name: "c", type: "query", hide: 2 }, ["1"]),
          state({ name: "d", type: "constant", query: "k" }, ["k"]),
          state({ name: "e", type: "textbox" }, ["typed"]),
        ])
      }
      onChange={() => undefined}
    />,
  );
  expect(html).toContain("Model");
  expect(html).toContain("Uno");
  expect(html).toContain("All");
  expect(html).toContain('title="no source"');
  expect(html).toContain('value="typed"');
  expect(html).not.toMatch(/>c<|>d<|>b</);
});

test("the range button says what is chosen; fixed ranges can be moved", () => {
  const picker = (from: string, to: string) =>
    renderToStaticMarkup(<TimeRangePicker raw={{ from, to }} timeZone="utc" onChange={() => undefined} />);
  expect(picker("now-15m", "now")).toContain("Last 15 minutes");
  expect(picker("now-15m", "now")).not.toContain("Move the range back");
  expect(picker("1700000000000", "1700000900000")).toContain("Move the range back");
});

test("keys are unique and stay with names", () => {
  expect(keyed(["a", "b", "a"], (name) => name).map(({ key }) => key)).toEqual(["a", "b", "a#1"]);
});
