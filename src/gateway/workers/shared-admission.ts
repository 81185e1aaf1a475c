import type { Admission, AdmissionAsk, Admitted } from "../access/admission.ts";
import type { Gateway } from "../gateway.ts";
import type { Channel, Handler } from "./channel.ts";

interface Answer {
  /** Names the admission until it is settled. */
  readonly ticket: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A worker's admission: limits and budgets are the primary's, so that they are one for all workers. */
export function workerAdmission(channel: () => Channel): Admission {
  return {
    admit(ask) {
      const { client } = ask;
      // Nothing is counted for whoever has no limit, so nobody need be asked.
      if (client.unlimited) return { headers: { "x-user-tier": client.tier }, settle: () => undefined };
      return askPrimary(channel(), ask);
    },
  };
}

async function askPrimary(channel: Channel, ask: AdmissionAsk): Promise<Admitted> {
  const { ticket, headers } = await channel.ask<Answer>("admit", ask);
  return { headers, settle: (tokens, nanoUsd) => channel.tell("settled", [ticket, tokens, nanoUsd]) };
}

/** The primary's side for one worker. What a worker that died held is given back; its ledger knows what it cost. */
export function serveAdmission({ money }: Pick<Gateway, "money">): {
  readonly handlers: Readonly<Record<string, Handler>>;
  gone(): void;
} {
  const open = new Map<number, { readonly admitted: Admitted; readonly nanoUsd: number }>();
  let next = 1;
  return {
    handlers: {
      async admit(ask: AdmissionAsk): Promise<Answer> {
        const admitted = await money.till.admission.admit(ask);
        const ticket = next++;
        open.set(ticket, { admitted, nanoUsd: ask.nanoUsd });
        return { ticket, headers: admitted.headers };
      },
      settled([ticket, tokens, nanoUsd]: readonly [number, number, number]) {
        open.get(ticket)?.admitted.settle(tokens, nanoUsd);
        open.delete(ticket);
      },
    },
    gone() {
      // The worker's log settles what was open at its full reservation, and so does the budget.
      for (const { admitted, nanoUsd } of open.values()) admitted.settle(0, nanoUsd);
      open.clear();
    },
  };
}
