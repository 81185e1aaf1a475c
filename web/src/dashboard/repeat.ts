import { chosenTexts, chosenValues } from "../variables/interpolate.ts";
import type { ScopedValues, VariableState } from "../variables/types.ts";
import type { PanelModel, Section } from "./types.ts";

/** Most copies of one repeated panel or row; a variable with thousands of values must not hang the page. */
export const REPEAT_COPIES_MAX = 100;

/** Writes out repeated rows and panels for the values chosen now. */
export function expandRepeats(sections: readonly Section[], variables: ReadonlyMap<string, VariableState>): Section[] {
  return sections.flatMap((section) => {
    const repeat = section.row?.repeat;
    const copies = repeat === undefined ? [] : repeatValues(repeat, variables);
    if (copies.length === 0) return [{ ...section, panels: expandPanels(section.panels, variables, {}) }];
    return copies.map((scoped, index) => ({
      ...section,
      key: `${section.key}-${index}`,
      scoped,
      panels: expandPanels(section.panels, variables, scoped).map((panel) => ({
        ...panel,
        key: index === 0 ? panel.key : `${panel.key}-row${index}`,
      })),
    }));
  });
}

/** What repeats depend on, as text: while it stays the same, so do the panels. */
export function repeatKey(sections: readonly Section[], variables: ReadonlyMap<string, VariableState>): string {
  const names = new Set(
    sections.flatMap((section) => [section.row?.repeat, ...section.panels.map((panel) => panel.repeat)]),
  );
  const states = [...names].map((name) => (name === undefined ? undefined : variables.get(name)));
  return JSON.stringify(states.map((state) => state && [state.values, state.options]));
}

function repeatValues(name: string, variables: ReadonlyMap<string, VariableState>): ScopedValues[] {
  const state = variables.get(name);
  if (state === undefined) return [];
  const { values } = state.values.includes("$__all")
    ? { values: state.options.map((option) => option.value) }
    : chosenValues(state);
  const texts = chosenTexts(state);
  return values.slice(0, REPEAT_COPIES_MAX).map((value, index) => {
    const text = state.options.find((option) => option.value === value)?.text ?? texts[index] ?? value;
    return { [name]: { value, text } };
  });
}

function expandPanels(
  panels: readonly PanelModel[],
  variables: ReadonlyMap<string, VariableState>,
  scoped: ScopedValues,
): PanelModel[] {
  const expanded: PanelModel[] = [];
  // A repeat that needs more lines than the original pushes down what lies below it.
  let shiftedBy = 0;
  const ordered = [...panels].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
  for (const panel of ordered) {
    const { x, y, w, h } = panel.gridPos;
    const copies = panel.repeat === undefined || panel.repeat in scoped ? [] : repeatValues(panel.repeat, variables);
    if (copies.length === 0) {
      expanded.push({ ...panel, gridPos: { x, y: y + shiftedBy, w, h }, scoped });
      continue;
    }
    const perLine = panel.repeatDirection === "v" ? 1 : Math.min(copies.length, panel.maxPerRow);
    const width = panel.repeatDirection === "v" ? w : Math.floor(24 / perLine);
    copies.forEach((copy, index) => {
      const line = Math.floor(index / perLine);
      expanded.push({
        ...panel,
        key: index === 0 ? panel.key : `${panel.key}-${index}`,
        gridPos: {
          x: panel.repeatDirection === "v" ? x : (index % perLine) * width,
          y: y + shiftedBy + line * h,
          w: width,
          h,
        },
        scoped: { ...scoped, ...copy },
      });
    });
    shiftedBy += (Math.ceil(copies.length / perLine) - 1) * h;
  }
  return expanded;
}
