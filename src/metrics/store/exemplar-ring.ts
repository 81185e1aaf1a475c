import { Labels } from "../../series/labels.ts";
import { AppendError } from "./append-error.ts";
import type { Exemplar } from "./appender.ts";
import { EXEMPLAR_LABEL_CHARACTERS_MAX, EXEMPLARS_MAX } from "./limits.ts";

const INITIAL_SLOTS = 256;

/**
 * The newest exemplars of all series together; a new one takes the place of the oldest. They lie in columns, their
 * labels packed into one text each: as objects 20,000 of them took four times the memory.
 */
export class ExemplarRing {
  #refs = new Uint32Array(INITIAL_SLOTS);
  #timestampsMs = new Float64Array(INITIAL_SLOTS);
  #values = new Float64Array(INITIAL_SLOTS);
  readonly #packedLabels: string[] = [];
  #next = 0;
  /** Slot of the newest exemplar by series ref. */
  readonly #newest = new Map<number, number>();

  get size(): number {
    return this.#packedLabels.length;
  }

  /** Series that have one. */
  get seriesCount(): number {
    return this.#newest.size;
  }

  /**
   * Whether the exemplar would be new; false for a repetition of the series' newest one.
   * @throws AppendError when it is older than that, or its labels are too long.
   */
  accepts(ref: number, exemplar: Exemplar): boolean {
    let characters = 0;
    for (const text of exemplar.labels.pairs) characters += text.length;
    if (characters > EXEMPLAR_LABEL_CHARACTERS_MAX) throw new AppendError("EXEMPLAR_LABELS_TOO_LONG");
    const slot = this.#newest.get(ref);
    if (slot === undefined || exemplar.timestampMs > this.#timestampsMs[slot]!) return true;
    const same =
      exemplar.timestampMs === this.#timestampsMs[slot] &&
      Object.is(exemplar.value, this.#values[slot]) &&
      pack(exemplar.labels) === this.#packedLabels[slot];
    if (same) return false;
    throw new AppendError("OUT_OF_ORDER_EXEMPLAR");
  }

  /** Keeps an exemplar that is newer than its series' newest one; any other is passed over. */
  add(ref: number, { labels, value, timestampMs }: Exemplar): void {
    const newest = this.#newest.get(ref);
    if (newest !== undefined && timestampMs <= this.#timestampsMs[newest]!) return;
    const slot = this.#next;
    if (slot < this.size && this.#newest.get(this.#refs[slot]!) === slot) this.#newest.delete(this.#refs[slot]!);
    if (slot >= this.#refs.length) this.#grow();
    this.#refs[slot] = ref;
    this.#timestampsMs[slot] = timestampMs;
    this.#values[slot] = value;
    this.#packedLabels[slot] = pack(labels);
    this.#newest.set(ref, slot);
    this.#next = (slot + 1) % EXEMPLARS_MAX;
  }

  /** By series ref, each list in the order of time, within [startMs, endMs]. */
  within(startMs: number, endMs: number): Map<number, Exemplar[]> {
    const found = new Map<number, Exemplar[]>();
    for (const slot of this.#slotsInOrder()) {
      const timestampMs = this.#timestampsMs[slot]!;
      if (timestampMs < startMs || timestampMs > endMs) continue;
      const list = found.get(this.#refs[slot]!);
      if (list === undefined) found.set(this.#refs[slot]!, [this.#at(slot)]);
      else list.push(this.#at(slot));
    }
    return found;
  }

  /** All, the oldest first. */
  *inOrder(): Generator<{ ref: number; exemplar: Exemplar }> {
    for (const slot of this.#slotsInOrder()) yield { ref: this.#refs[slot]!, exemplar: this.#at(slot) };
  }

  *#slotsInOrder(): Generator<number> {
    const { size } = this;
    const start = size < EXEMPLARS_MAX ? 0 : this.#next;
    for (let index = 0; index < size; index++) yield (start + index) % size;
  }

  #at(slot: number): Exemplar {
    const labels = unpack(this.#packedLabels[slot]!);
    return { labels, value: this.#values[slot]!, timestampMs: this.#timestampsMs[slot]! };
  }

  #grow(): void {
    const slots = Math.min(EXEMPLARS_MAX, this.#refs.length * 2);
    const refs = new Uint32Array(slots);
    const timestampsMs = new Float64Array(slots);
    const values = new Float64Array(slots);
    refs.set(this.#refs);
    timestampsMs.set(this.#timestampsMs);
    values.set(this.#values);
    this.#refs = refs;
    this.#timestampsMs = timestampsMs;
    this.#values = values;
  }
}

/** Each text behind its length as a character; one byte a character as long as the texts are Latin. */
function pack(labels: Labels): string {
  // Joined, not concatenated, which would keep every piece alive.
  return labels.pairs.flatMap((text) => [String.fromCharCode(text.length), text]).join("");
}

function unpack(packed: string): Labels {
  const pairs: string[] = [];
  for (let at = 0; at < packed.length; ) {
    const end = at + 1 + packed.charCodeAt(at);
    pairs.push(packed.slice(at + 1, end));
    at = end;
  }
  return Labels.fromSorted(pairs);
}
