import type { SettlementEntry, UsageResult, UsageSubject, UsageTokens } from "./entries.ts";

/** How a request ended and what it used. */
export interface Settlement {
  /** Who answered; where nobody did, who was asked first. */
  readonly provider: string;
  readonly model: string;
  readonly tokens: UsageTokens;
  readonly nanoUsd: number;
  readonly result: Exclude<UsageResult, "interrupted">;
}

/** A request that is logged and not yet settled. */
export interface Ticket {
  /** Logs what was used; afterwards a crash loses nothing of it. Call it before the answer's last byte. Once. */
  settle(settlement: Settlement): void;
}

/**
 * Remembers what requests use. A request is logged with what it may use before a provider is called, and with what it
 * used before its answer ends: whatever happens to the process between, something is known of it.
 */
export interface Ledger {
  open(subject: UsageSubject, tokens: UsageTokens, nanoUsd: number): Ticket;
}

/** The entry of a settled request. */
export function settlementEntry(
  atMs: number,
  subject: UsageSubject,
  { provider, model, tokens, nanoUsd, result }: Settlement,
  segment: number,
  index: number,
): SettlementEntry {
  return {
    kind: "settlement",
    atMs,
    subject: { ...subject, provider, model },
    tokens,
    nanoUsd,
    result,
    segment,
    index,
  };
}
