import { keyOf } from "../check.ts";
import type { ModelState } from "../model-state.ts";
import { type Incident, RESOLVED_AFTER_SUCCESSES, resolved } from "./incidents.ts";

/**
 * The open incidents that nothing will ever end, resolved with a note that says why: those of models that left the
 * catalogue (they are not checked any more), those whose model has recovered while this service was not looking, and
 * those of models that are not probed and that nobody has called since they failed.
 */
export function sweepIncidents(
  open: readonly Incident[],
  models: ReadonlyMap<string, ModelState>,
  nowMs: number,
): Incident[] {
  return open.flatMap((incident) => {
    const state = models.get(keyOf(incident));
    if (state === undefined || !state.enabled)
      return resolved(incident, "the model left the catalogue", "sweep", nowMs);
    // Only of models that are not probed is a failure forgotten: nobody has called this one since.
    if (state.lastStatus === undefined) {
      return resolved(incident, "no call since the failure, and the model is not probed", "sweep", nowMs);
    }
    if (state.consecutiveSuccesses >= RESOLVED_AFTER_SUCCESSES) {
      const notes = `${state.consecutiveSuccesses} consecutive successes, found by the sweep`;
      return resolved(incident, notes, "sweep", nowMs);
    }
    return [];
  });
}
