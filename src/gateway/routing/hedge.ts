import { Cancellation, type CancelSignal } from "../cancellation.ts";
import type { AttemptRecord } from "../request-record.ts";
import type { Answer } from "./attempt.ts";
import type { AttemptFailure } from "./attempt-failure.ts";

/** Why a call was ended whose answer is not needed any more. */
export const HEDGE_LOST = new Error("another call answered first");

/** A call under way that can be ended by itself. */
export interface Launched {
  readonly outcome: Promise<Answer | AttemptFailure>;
  /** Resolves with this call once it has ended, however; rejects only as `outcome` does. */
  readonly settled: Promise<Launched>;
  /** The outcome if it is there within `ms`, else undefined. */
  within(ms: number): Promise<Answer | AttemptFailure | undefined>;
  abort(reason: unknown): void;
}

/** Starts a call under a signal of its own, which also follows the request's. */
export function launch(
  parent: CancelSignal,
  ask: (signal: CancelSignal) => Promise<Answer | AttemptFailure>,
): Launched {
  const own = new Cancellation();
  const follow = (): void => own.abort(parent.reason);
  parent.addEventListener("abort", follow);
  if (parent.aborted) follow();
  const outcome = ask(own).finally(() => parent.removeEventListener("abort", follow));
  outcome.catch(() => undefined); // Whoever waits for it gets the rejection; it must not be unhandled before.
  const launched: Launched = {
    outcome,
    settled: outcome.then(() => launched),
    async within(ms) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), ms);
      });
      try {
        return await Promise.race([outcome, late]);
      } finally {
        clearTimeout(timer);
      }
    },
    abort: (reason) => own.abort(reason),
  };
  launched.settled.catch(() => undefined);
  return launched;
}

/** Throws away an answer that came although nobody waits for it any more, and keeps what it has cost. */
export function dispose(answer: Answer, settle: (attempt: AttemptRecord) => void): void {
  const { attempt } = answer;
  const { usage } = answer.kind === "stream" ? answer.converter.meter : answer.meter;
  if (usage !== undefined) attempt.spent = usage;
  if (answer.kind === "stream") answer.relay.cancel();
  else attempt.result = "cancelled";
  settle(attempt);
}
