import { type RefObject, useEffect, useState } from "react";

/** A panel is drawn when it comes this close to the visible part of the page. */
const MARGIN = "400px 0px";

/** Whether an element is, and ever was, near the visible part of the page. */
export function useNearViewport(element: RefObject<HTMLElement | null>): { isNear: boolean; wasNear: boolean } {
  const [state, setState] = useState({ isNear: false, wasNear: false });
  useEffect(() => {
    const target = element.current;
    if (target === null) return;
    const observer = new IntersectionObserver(
      (entries) => {
        const isNear = entries.some((entry) => entry.isIntersecting);
        setState((previous) => ({ isNear, wasNear: previous.wasNear || isNear }));
      },
      { rootMargin: MARGIN },
    );
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return state;
}
