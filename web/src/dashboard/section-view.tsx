import { useState } from "react";
import { Icon } from "../ui/icon.tsx";
import { interpolate } from "../variables/interpolate.ts";
import { layoutSection } from "./layout.ts";
import { PanelCard, type PanelCardProps } from "./panel-card.tsx";
import type { Section } from "./types.ts";

interface SectionViewProps {
  section: Section;
  cardProps: Omit<PanelCardProps, "panel">;
}

/** A row's title and its panels; a folded row draws none of them. */
export function SectionView({ section, cardProps }: SectionViewProps) {
  const { row, panels } = section;
  const [open, setOpen] = useState(row === undefined || !row.collapsed);
  const { boxes, heightPx } = layoutSection(panels);
  const title =
    row === undefined
      ? ""
      : cardProps.scope === undefined
        ? row.title
        : interpolate(row.title, cardProps.scope, section.scoped, "text");
  return (
    <>
      {row !== undefined && (
        <button
          type="button"
          className="row-header"
          data-row-id={row.id}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <Icon name={open ? "chevronDown" : "chevronRight"} />
          <span>{title}</span>
          {!open && (
            <span className="row-count">
              ({panels.length} {panels.length === 1 ? "panel" : "panels"})
            </span>
          )}
        </button>
      )}
      {open && (
        <div className="grid" style={{ height: heightPx }}>
          {panels.map((panel, index) => {
            const box = boxes[index]!;
            return (
              <div
                key={panel.key}
                className="grid-cell"
                style={{
                  left: `${box.leftPercent}%`,
                  width: `${box.widthPercent}%`,
                  top: box.topPx,
                  height: box.heightPx,
                }}
              >
                <PanelCard {...cardProps} panel={panel} />
              </div>
            );
          })}
        </div>
      )}
    </>
  );
}
