import { useCallback, useEffect, useState } from "react";
import { isBusy } from "../query/scheduler.ts";
import { parseDurationMs, type RawRange } from "../time/range.ts";

/** Shortest refresh in ms, whatever a document asks for. */
const REFRESH_MS_MIN = 1_000;

interface Clock {
  /** The moment that "now" means. */
  nowMs: number;
  /** Counts refreshes. */
  tick: number;
  refreshNow: () => void;
}

/**
 * The page's "now". It moves with every refresh and whenever the range changes; a refresh is left out while the tab is
 * hidden or while earlier queries still run.
 */
export function useClock(refresh: string, raw: RawRange): Clock {
  const [state, setState] = useState(() => ({ nowMs: Date.now(), tick: 0 }));
  const refreshNow = useCallback(() => setState(({ tick }) => ({ nowMs: Date.now(), tick: tick + 1 })), []);
  const [lastRaw, setLastRaw] = useState(raw);
  if (lastRaw !== raw) {
    setLastRaw(raw);
    setState(({ tick }) => ({ nowMs: Date.now(), tick }));
  }
  useEffect(() => {
    const intervalMs = refresh === "" || refresh === "off" ? undefined : parseDurationMs(refresh);
    if (intervalMs === undefined) return;
    const timer = setInterval(
      () => {
        if (!document.hidden && !isBusy()) refreshNow();
      },
      Math.max(REFRESH_MS_MIN, intervalMs),
    );
    return () => clearInterval(timer);
  }, [refresh, refreshNow]);
  return { ...state, refreshNow };
}
