import type { Admission, Admitted } from "../access/admission.ts";
import { toNanoUsd } from "../access/nano-usd.ts";
import type { RequestRecord } from "../request-record.ts";
import type { Prices } from "../usage/prices.ts";
import { NO_TOKENS, type UsageSubject, type UsageTokens } from "./entries.ts";
import type { Ledger, Settlement, Ticket } from "./ledger.ts";

/** The input is estimated; what a tokenizer of the provider's may count more is held as well. */
const INPUT_MARGIN = 1.2;
const PRICED_TARGETS_MAX = 3;
const BYTES_PER_TOKEN = 4;

/** What a bill needs of the gateway. */
export interface Till {
  readonly admission: Admission;
  readonly ledger: Ledger;
  readonly prices: Prices;
  /** Output tokens held for a request that names no maximum. */
  readonly outputTokensReserved: () => number;
}

/** A provider and model that may answer. */
interface Target {
  readonly provider: { readonly name: string; readonly quirks: { readonly pricedAs?: string | undefined } };
  readonly model: string;
}

export interface BillInput {
  readonly record: RequestRecord;
  readonly targets: readonly Target[];
  readonly conversation: {
    /** False for endpoints whose answers are not counted in tokens. */
    readonly metered: boolean;
    estimateInputTokens(): number;
    /** Pictures and sound, which are priced by the piece. */
    readonly media?: { worstUsd?(model: string): number };
  };
  readonly address: string | undefined;
}

/**
 * The money side of one request: what it may cost is held before a provider is called and logged, what it did cost
 * replaces it before the answer ends. Order: `open`, `begin`, `settle`.
 */
export class Bill {
  readonly #till: Till;
  readonly #record: RequestRecord;
  readonly #admitted: Admitted;
  readonly #subject: UsageSubject;
  readonly #reserved: UsageTokens;
  readonly #nanoUsd: number;
  #ticket: Ticket | undefined;
  #settled = false;

  private constructor(till: Till, record: RequestRecord, admitted: Admitted, held: Held) {
    this.#till = till;
    this.#record = record;
    this.#admitted = admitted;
    this.#subject = held.subject;
    this.#reserved = held.tokens;
    this.#nanoUsd = held.nanoUsd;
  }

  /** @throws GatewayError where limits or budgets refuse. */
  static async open(till: Till, input: BillInput): Promise<Bill> {
    const client = input.record.client!;
    // Whoever has neither limits nor a budget needs no estimate to be let in; the log of a crash does with less.
    if (!client.unlimited) await till.prices.load();
    const held = heldFor(till, input);
    const ask = {
      client,
      tokens: held.tokens.input + held.tokens.output,
      nanoUsd: held.nanoUsd,
      address: input.address,
      model: input.record.inference!.requestedModel,
    };
    const admitted = till.admission.admit(ask);
    return new Bill(till, input.record, admitted instanceof Promise ? await admitted : admitted, held);
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#admitted.headers;
  }

  /** Logs what is held; call it right before the first provider is called. */
  begin(): void {
    this.#ticket ??= this.#till.ledger.open(this.#subject, this.#reserved, this.#nanoUsd);
  }

  /**
   * Settles by the record's usage and cost; call it before the answer's last byte. Later calls do nothing.
   * @param answeredBy Undefined where nobody answered.
   */
  settle(result: Settlement["result"], answeredBy?: { readonly provider: string; readonly model: string }): void {
    if (this.#settled) return;
    this.#settled = true;
    const { usage, cost } = this.#record;
    const nanoUsd = cost === undefined ? 0 : toNanoUsd(cost.totalUsd);
    this.#admitted.settle(usage === undefined ? 0 : usage.inputTokens + usage.outputTokens, nanoUsd);
    this.#ticket?.settle({
      provider: answeredBy?.provider ?? this.#subject.provider,
      model: answeredBy?.model ?? this.#subject.model,
      tokens: usage === undefined ? NO_TOKENS : tokensOf(usage),
      nanoUsd,
      result,
    });
  }
}

interface Held {
  readonly subject: UsageSubject;
  readonly tokens: UsageTokens;
  readonly nanoUsd: number;
}

function heldFor(till: Till, { record, targets, conversation }: BillInput): Held {
  const client = record.client!;
  const { maxTokens, choiceCount = 1, stream } = record.inference!;
  const [first] = targets;
  const subject: UsageSubject = {
    keyId: client.keyId ?? client.keyName,
    team: client.team ?? "",
    provider: first?.provider.name ?? "",
    model: first?.model ?? record.inference!.requestedModel,
    endUser: record.endUser ?? "",
    tags: tagsOf(record),
    endpoint: record.route,
    stream,
    budgeted: !client.unlimited,
  };
  const { metered } = conversation;
  const input = metered ? inputTokens(record, () => conversation.estimateInputTokens()) : 0;
  const output = metered ? (maxTokens ?? till.outputTokensReserved()) * Math.max(1, choiceCount) : 0;
  const tokens = { ...NO_TOKENS, input, output };
  let usd = 0;
  for (const { provider, model } of targets.slice(0, PRICED_TARGETS_MAX)) {
    if (!metered || client.unlimited || isFree(record)) break;
    const name = provider.quirks.pricedAs ?? provider.name;
    const byTokens = till.prices.worstUsd(name, model, Math.ceil(input * INPUT_MARGIN), output);
    usd = Math.max(usd, byTokens, conversation.media?.worstUsd?.(model) ?? 0);
  }
  return { subject, tokens, nanoUsd: toNanoUsd(usd) };
}

/** A model that its seller gives away, as nobody without a key is asked to pay for (contract section 5). */
function isFree({ client, inference }: RequestRecord): boolean {
  return client?.anonymous === true && inference!.requestedModel.endsWith(":free");
}

/** An estimate of the texts; for keys without limits, which it decides nothing for, one of the body's size. */
function inputTokens(record: RequestRecord, estimate: () => number): number {
  if (record.client!.unlimited) return Math.ceil(record.requestBodyBytes / BYTES_PER_TOKEN);
  const tokens = estimate();
  record.estimate = { inputTokens: tokens, method: "word_heuristic" };
  return tokens;
}

/** The key's tags and those that hooks put on the request, as `name` or `name=value`. */
function tagsOf({ client, tags }: RequestRecord): readonly string[] {
  const own = client?.tags ?? [];
  if (tags === undefined) return own;
  return [
    ...new Set([...own, ...Object.entries(tags).map(([name, value]) => (value === "" ? name : `${name}=${value}`))]),
  ];
}

function tokensOf(usage: NonNullable<RequestRecord["usage"]>): UsageTokens {
  return {
    input: usage.inputTokens,
    output: usage.outputTokens,
    cachedInput: usage.cachedInputTokens,
    cacheWriteInput: usage.cacheWriteInputTokens ?? 0,
    reasoning: usage.reasoningTokens,
  };
}
