import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readVariable } from "../variables/model.ts";
import { layoutSection } from "./layout.ts";
import { migrateDashboard } from "./migrate.ts";
import { expandRepeats, REPEAT_COPIES_MAX } from "./repeat.ts";
import type { PanelModel } from "./types.ts";

const OWN = fileURLToPath(new URL("../../../dashboards", import.meta.url));
const panel = (id: number, gridPos: object, more: object = {}) => ({
  id,
  type: "stat",
  title: `P${id}`,
  gridPos,
  targets: [],
  ...more,
});

test("flat rows own what follows, folded rows what they carry", () => {
  const model = migrateDashboard({
    title: "T",
    panels: [
      panel(1, { x: 0, y: 0, w: 24, h: 4 }),
      { id: 10, type: "row", title: "Open", collapsed: false, gridPos: { x: 0, y: 4, w: 24, h: 1 }, panels: [] },
      panel(3, { x: 12, y: 5, w: 12, h: 8 }),
      panel(2, { x: 0, y: 5, w: 12, h: 8 }),
      {
        id: 11,
        type: "row",
        title: "Folded",
        collapsed: true,
        gridPos: { x: 0, y: 13, w: 24, h: 1 },
        panels: [panel(4, { x: 0, y: 14, w: 6, h: 4 })],
      },
    ],
  });
  expect(model.sections.map(({ row, panels }) => [row?.title, row?.collapsed, panels.map(({ id }) => id)])).toEqual([
    [undefined, undefined, [1]],
    ["Open", false, [2, 3]],
    ["Folded", true, [4]],
  ]);
  expect([model.time, model.refresh, model.timeZone]).toEqual([{ from: "now-6h", to: "now" }, "", "browser"]);
});

test("rows of the oldest layout become sections with a grid", () => {
  const model = migrateDashboard({
    rows: [
      {
        title: "R",
        height: "250px",
        panels: [
          { id: 1, type: "graph", span: 6 },
          { id: 2, type: "singlestat", span: 8 },
        ],
      },
    ],
  });
  expect(model.sections[0]!.panels.map(({ type, gridPos }) => [type, gridPos])).toEqual([
    ["timeseries", { x: 0, y: 0, w: 12, h: 7 }],
    ["stat", { x: 0, y: 7, w: 16, h: 7 }],
  ]);
});

test("ids used twice get keys of their own", () => {
  const { sections } = migrateDashboard({
    panels: [panel(1, { x: 0, y: 0, w: 4, h: 4 }), panel(1, { x: 4, y: 0, w: 4, h: 4 })],
  });
  expect(sections[0]!.panels.map(({ key }) => key)).toEqual(["1", "1'"]);
});

test("a panel without a source takes its first query's", () => {
  const { sections } = migrateDashboard({
    panels: [panel(1, {}, { datasource: null, targets: [{ refId: "A", datasource: { uid: "loki" } }] })],
  });
  expect(sections[0]!.panels[0]!.datasource).toEqual({ uid: "loki" });
});

test("old value mappings become new ones", () => {
  const mappings = [
    { type: 1, value: "1", text: "Up" },
    { type: 2, from: "2", to: "5", text: "Some" },
    { type: 1, value: "null", text: "N/A" },
  ];
  const { sections } = migrateDashboard({
    panels: [panel(1, {}, { fieldConfig: { defaults: { mappings }, overrides: [] } })],
  });
  expect(sections[0]!.panels[0]!.fieldConfig.defaults.mappings).toEqual([
    { type: "value", options: { "1": { text: "Up", index: 0 } } },
    { type: "range", options: { from: 2, to: 5, result: { text: "Some", index: 1 } } },
    { type: "special", options: { match: "null", result: { text: "N/A", index: 2 } } },
  ]);
});

test("the retired graph panel keeps its look", () => {
  const graph = {
    id: 1,
    type: "graph",
    bars: true,
    stack: true,
    yaxes: [{ format: "s", min: "0", logBase: 1 }],
    legend: { show: true, current: true, rightSide: true, alignAsTable: true },
  };
  const [migrated] = migrateDashboard({ panels: [graph] }).sections[0]!.panels;
  expect(migrated).toMatchObject({
    type: "timeseries",
    fieldConfig: { defaults: { unit: "s", min: 0, custom: { drawStyle: "bars", stacking: { mode: "normal" } } } },
    options: { legend: { displayMode: "table", placement: "right", calcs: ["lastNotNull"] } },
  });
});

test("strange documents give an empty dashboard, not an error", () => {
  for (const json of [{}, { panels: "x" }, { panels: [null, 3, {}], templating: 5, time: "now", links: [null] }]) {
    expect(migrateDashboard(json as never).title).toBe("Untitled");
  }
});

test("panels move up until they touch", () => {
  const panels = [
    { gridPos: { x: 0, y: 3, w: 12, h: 4 } },
    { gridPos: { x: 12, y: 3, w: 12, h: 8 } },
    { gridPos: { x: 0, y: 20, w: 24, h: 2 } },
  ] as PanelModel[];
  const { boxes, heightPx } = layoutSection(panels);
  expect(boxes.map(({ topPx, heightPx: height }) => [topPx, height])).toEqual([
    [0, 136],
    [0, 280],
    [288, 64],
  ]);
  expect(heightPx).toBe(360);
  expect(layoutSection([])).toEqual({ boxes: [], heightPx: 0 });
});

function variable(name: string, values: string[], count: number) {
  const options = Array.from({ length: count }, (_, index) => ({ text: `v${index}`, value: `v${index}` }));
  return new Map([
    [name, { model: readVariable({ name, type: "query", multi: true, includeAll: true }), options, values }],
  ]);
}

test("a repeated panel gets a copy per value, in lines, and pushes down what is below", () => {
  const { sections } = migrateDashboard({
    panels: [
      panel(1, { x: 0, y: 0, w: 6, h: 4 }, { repeat: "m", maxPerRow: 2 }),
      panel(2, { x: 0, y: 4, w: 24, h: 2 }),
    ],
  });
  const [section] = expandRepeats(sections, variable("m", ["v0", "v2", "v1"], 3));
  expect(section!.panels.map(({ key, gridPos, scoped }) => [key, gridPos, scoped["m"]?.value])).toEqual([
    ["1", { x: 0, y: 0, w: 12, h: 4 }, "v0"],
    ["1-1", { x: 12, y: 0, w: 12, h: 4 }, "v2"],
    ["1-2", { x: 0, y: 4, w: 12, h: 4 }, "v1"],
    ["2", { x: 0, y: 8, w: 24, h: 2 }, undefined],
  ]);
});

test("a repeated row gets a copy per value; All means every option, up to the limit", () => {
  const { sections } = migrateDashboard({
    panels: [{ id: 9, type: "row", title: "$m", repeat: "m", collapsed: true, gridPos: {}, panels: [panel(1, {})] }],
  });
  const copies = expandRepeats(sections, variable("m", ["$__all"], 3));
  expect(copies.map(({ key, panels }) => [key, panels[0]!.key, panels[0]!.scoped["m"]?.value])).toEqual([
    ["row-9-1-0", "1", "v0"],
    ["row-9-1-1", "1-row1", "v1"],
    ["row-9-1-2", "1-row2", "v2"],
  ]);
  expect(expandRepeats(sections, variable("m", ["$__all"], 500))).toHaveLength(REPEAT_COPIES_MAX);
});

const folders = [OWN, join(process.env["GATEWAYZ_CONFORMANCE_DIR"] ?? "/nowhere", "dashboards")];
for (const folder of folders) {
  let files: string[] = [];
  try {
    files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  } catch {
    test.skip(`${folder} is not there; set GATEWAYZ_CONFORMANCE_DIR`, () => undefined);
  }
  for (const file of files) {
    test(`${file} is read whole`, () => {
      const json = JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;
      const document = (json["dashboard"] ?? json) as { title: string; panels: { type: string; panels?: unknown[] }[] };
      const model = migrateDashboard(document as never);
      const nested = document.panels.flatMap((one) => (one.type === "row" ? (one.panels ?? []) : [one]));
      const panels = model.sections.flatMap((section) => section.panels);
      expect(panels).toHaveLength(nested.length);
      expect(new Set(panels.map(({ key }) => key)).size).toBe(panels.length);
      for (const section of model.sections) layoutSection(section.panels);
    });
  }
}
