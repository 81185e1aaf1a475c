import {
  type FieldDisplay,
  formattedValueToString,
  getFieldDisplayValues,
  type ReduceDataOptions,
} from "../grafana/data.ts";
import type { PanelProps } from "./types.ts";

/** Most values that a stat, gauge or bar gauge shows. */
const VALUES_MAX = 200;

/** The values that a panel's `reduceOptions` choose, with text, colour and sparkline. */
export function panelValues({ frames, panel, theme, timeZone, host }: PanelProps, sparkline = false): FieldDisplay[] {
  const reduce = (panel.options["reduceOptions"] ?? {}) as Partial<ReduceDataOptions>;
  return getFieldDisplayValues({
    data: frames.filter((frame) => frame.name !== "exemplar"),
    fieldConfig: panel.fieldConfig,
    reduceOptions: {
      calcs: Array.isArray(reduce.calcs) && reduce.calcs.length > 0 ? reduce.calcs : ["lastNotNull"],
      fields: reduce.fields === undefined || reduce.fields === null ? "" : reduce.fields,
      values: reduce.values === true,
      limit: Math.min(reduce.limit ?? VALUES_MAX, VALUES_MAX),
    },
    replaceVariables: (text, scoped) => host.interpolate(text, scoped as never),
    theme,
    timeZone,
    sparkline,
  });
}

/** A value's text with its unit. */
export function valueText(display: FieldDisplay["display"]): string {
  return formattedValueToString(display);
}

/** The first link of a value, interpolated; undefined if there is none. */
export function valueLink(value: FieldDisplay): { href: string; title: string; target?: string } | undefined {
  if (value.hasLinks !== true || value.getLinks === undefined) return undefined;
  const link = value.getLinks()[0];
  return link === undefined ? undefined : { href: link.href, title: link.title, target: link.target };
}

/**
 * How many columns give `count` items the largest boxes, when an item looks best `aspect` times as wide as high.
 */
export function gridColumns(count: number, width: number, height: number, aspect: number): number {
  let best = 1;
  let bestSize = 0;
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const size = Math.min(width / columns / aspect, height / rows);
    if (size > bestSize) {
      bestSize = size;
      best = columns;
    }
  }
  return best;
}

/** The largest font size (px) at which a text fits a box. */
export function fitFontPx(text: string, width: number, height: number, maxPx: number, minPx = 10): number {
  const byWidth = width / Math.max(1, text.length * 0.58);
  return Math.max(minPx, Math.min(maxPx, byWidth, height));
}
