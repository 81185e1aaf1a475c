import type { ConcurrencyGate } from "../access/concurrency-gate.ts";
import type { Gateway } from "../gateway.ts";
import type { Channel, Handler } from "./channel.ts";

/** A worker's door to the one gate that all workers share. */
export function workerGate(channel: () => Channel): Pick<ConcurrencyGate, "enter"> {
  let next = 1;
  return {
    async enter(signal) {
      signal.throwIfAborted();
      const ticket = next++;
      const gone = (): void => channel().tell("gateLeave", ticket);
      signal.addEventListener("abort", gone);
      try {
        await channel().ask("gateEnter", ticket);
      } catch (error) {
        throw signal.aborted ? signal.reason : error;
      } finally {
        signal.removeEventListener("abort", gone);
      }
      let left = false;
      return () => {
        if (left) return;
        left = true;
        channel().tell("gateLeave", ticket);
      };
    },
  };
}

/** The primary's side for one worker: its places, and those that it waits for. */
export function serveGate({ gate }: Pick<Gateway, "gate">): {
  readonly handlers: Readonly<Record<string, Handler>>;
  gone(): void;
} {
  const waiting = new Map<number, AbortController>();
  const inside = new Map<number, () => void>();
  return {
    handlers: {
      async gateEnter(ticket: number) {
        const controller = new AbortController();
        waiting.set(ticket, controller);
        try {
          inside.set(ticket, await gate.enter(controller.signal));
        } finally {
          waiting.delete(ticket);
        }
        return null;
      },
      gateLeave(ticket: number) {
        waiting.get(ticket)?.abort(new Error("the client has gone"));
        inside.get(ticket)?.();
        inside.delete(ticket);
      },
    },
    gone() {
      for (const controller of waiting.values()) controller.abort(new Error("the worker has gone"));
      for (const leave of inside.values()) leave();
      inside.clear();
    },
  };
}
