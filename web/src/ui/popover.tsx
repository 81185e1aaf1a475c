import { type ReactNode, useEffect, useRef, useState } from "react";

export interface PopoverProps {
  /** Draws the control that opens it. */
  button: (props: { open: boolean; toggle: () => void }) => ReactNode;
  children: (close: () => void) => ReactNode;
  align?: "left" | "right";
  className?: string;
}

/** A control with a box below it that closes on Escape and on a click elsewhere. */
export function Popover({ button, children, align = "left", className = "" }: PopoverProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const onDown = (event: PointerEvent) => {
      if (root.current !== null && !root.current.contains(event.target as Node)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape") setOpen(false);
    };
    document.addEventListener("pointerdown", onDown);
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", onDown);
      document.removeEventListener("keydown", onKey);
    };
  }, [open]);
  return (
    <div className={`popover ${className}`} ref={root}>
      {button({ open, toggle: () => setOpen((value) => !value) })}
      {open && <div className={`popover-box popover-${align}`}>{children(() => setOpen(false))}</div>}
    </div>
  );
}
