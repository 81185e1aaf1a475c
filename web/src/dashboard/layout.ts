import type { GridPos, PanelModel } from "./types.ts";

/** Columns of Grafana's grid. */
const COLUMNS = 24;
/** Height of a grid row with its share of the gap, in pixels. */
const ROW_HEIGHT_PX = 36;
/** Space between panels, in pixels. */
const GAP_PX = 8;

/** Where a panel stands inside its section: left and width in per cent, top and height in pixels. */
export interface PanelBox {
  leftPercent: number;
  widthPercent: number;
  topPx: number;
  heightPx: number;
}

/**
 * Places a section's panels as Grafana does: in grid order, each moved up until it touches one above. Shape of the
 * result: boxes in the order of `panels`, and the height of the whole section in pixels.
 */
export function layoutSection(panels: readonly PanelModel[]): { boxes: PanelBox[]; heightPx: number } {
  const order = panels.map((_, index) => index).sort((a, b) => compare(panels[a]!.gridPos, panels[b]!.gridPos));
  const columnEnds = new Array<number>(COLUMNS).fill(0);
  const boxes = new Array<PanelBox>(panels.length);
  for (const index of order) {
    const { x, w, h } = panels[index]!.gridPos;
    const top = Math.max(...columnEnds.slice(x, x + w));
    columnEnds.fill(top + h, x, x + w);
    boxes[index] = {
      leftPercent: (x / COLUMNS) * 100,
      widthPercent: (w / COLUMNS) * 100,
      topPx: top * ROW_HEIGHT_PX,
      heightPx: h * ROW_HEIGHT_PX - GAP_PX,
    };
  }
  return { boxes, heightPx: Math.max(0, ...columnEnds) * ROW_HEIGHT_PX };
}

function compare(a: GridPos, b: GridPos): number {
  return a.y - b.y || a.x - b.x;
}
