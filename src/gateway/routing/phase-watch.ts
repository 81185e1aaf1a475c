import type { UpstreamCall } from "../providers/upstream-call.ts";
import type { AttemptLimits } from "./attempt-limits.ts";

/** What took too long: getting a connection, sending the request, a silence, the whole attempt, or a trickle. */
export type LatePhase = "start" | "write" | "read" | "attempt" | "floor";

/** A slow stream gets this long before its pace is judged. */
const FLOOR_GRACE_MS = 3_000;
const FLOOR_LOOK_MS = 250;
/** Two looks at a call are at least this far apart. */
const LOOK_MS_MIN = 5;

/**
 * Ends a call that is too slow in one of its phases. One timer for all of them: it fires when the first limit could have
 * passed, looks, and waits again; an ordinary call is over before that.
 */
export class PhaseWatch {
  /** Set when the watch has ended the call. */
  late: LatePhase | undefined;
  readonly #call: UpstreamCall;
  readonly #limits: AttemptLimits;
  readonly #beganAt = performance.now();
  #timer: NodeJS.Timeout;

  constructor(call: UpstreamCall, limits: AttemptLimits) {
    this.#call = call;
    this.#limits = limits;
    this.#timer = setTimeout(this.#look, this.#next(this.#beganAt));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #look = (): void => {
    const at = performance.now();
    this.late = this.#lateAt(at);
    if (this.late === undefined) this.#timer = setTimeout(this.#look, this.#next(at));
    else this.#call.cancel(`the ${this.late} limit passed`);
  };

  #lateAt(at: number): LatePhase | undefined {
    const { startMs, writeMs, readMs, attemptMs, bytesPerSecondMin } = this.#limits;
    const { startedAt, sent, activeAt, headAt, bytes } = this.#call;
    // Timers fire up to a millisecond early.
    const passed = (since: number, limitMs: number): boolean => at - since >= limitMs - 1;
    if (passed(this.#beganAt, attemptMs)) return "attempt";
    if (startedAt === undefined) return passed(this.#beganAt, startMs) ? "start" : undefined;
    if (!sent) return passed(startedAt, writeMs) ? "write" : undefined;
    if (passed(Math.max(startedAt, activeAt), readMs)) return "read";
    const slow =
      headAt !== undefined && passed(headAt, FLOOR_GRACE_MS) && bytes / (at - headAt) < bytesPerSecondMin / 1e3;
    return slow ? "floor" : undefined;
  }

  /** Until the first limit that could pass next, ms. */
  #next(at: number): number {
    const { startMs, writeMs, readMs, attemptMs, bytesPerSecondMin } = this.#limits;
    const { startedAt, sent, activeAt, headAt } = this.#call;
    let phaseEnd = Math.max(startedAt ?? 0, activeAt) + readMs;
    // A phase may end at once and the next one have a shorter limit.
    if (startedAt === undefined) phaseEnd = Math.min(this.#beganAt + startMs, at + Math.min(writeMs, readMs));
    else if (!sent) phaseEnd = Math.min(startedAt + writeMs, at + readMs);
    const pace = Math.max(at + FLOOR_LOOK_MS, (headAt ?? at) + FLOOR_GRACE_MS);
    const floorEnd = bytesPerSecondMin > 0 ? pace : Number.POSITIVE_INFINITY;
    return Math.max(LOOK_MS_MIN, Math.min(this.#beganAt + attemptMs, phaseEnd, floorEnd) - at);
  }
}
