import type { Labels } from "../../series/labels.ts";
import { AppendError } from "./append-error.ts";
import type { Exemplar } from "./appender.ts";
import { EXEMPLAR_LABEL_CHARACTERS_MAX, EXEMPLARS_MAX } from "./limits.ts";

interface Slot {
  readonly ref: number;
  readonly exemplar: Exemplar;
}

/** The newest exemplars of all series together; a new one takes the place of the oldest. */
export class ExemplarRing {
  readonly #slots: Slot[] = [];
  #next = 0;
  /** Newest exemplar by series ref. */
  readonly #newest = new Map<number, Exemplar>();

  get size(): number {
    return this.#slots.length;
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
    const newest = this.#newest.get(ref);
    if (newest === undefined || exemplar.timestampMs > newest.timestampMs) return true;
    if (sameExemplar(exemplar, newest)) return false;
    throw new AppendError("OUT_OF_ORDER_EXEMPLAR");
  }

  add(ref: number, exemplar: Exemplar): void {
    const newest = this.#newest.get(ref);
    if (newest !== undefined && exemplar.timestampMs <= newest.timestampMs) return;
    const replaced = this.#slots[this.#next];
    if (replaced !== undefined && this.#newest.get(replaced.ref) === replaced.exemplar) {
      this.#newest.delete(replaced.ref);
    }
    this.#slots[this.#next] = { ref, exemplar };
    this.#next = (this.#next + 1) % EXEMPLARS_MAX;
    this.#newest.set(ref, exemplar);
  }

  /** By series ref, each list in the order of time, within [startMs, endMs]. */
  within(startMs: number, endMs: number): Map<number, Exemplar[]> {
    const found = new Map<number, Exemplar[]>();
    for (const { ref, exemplar } of this.inOrder()) {
      if (exemplar.timestampMs < startMs || exemplar.timestampMs > endMs) continue;
      const list = found.get(ref);
      if (list === undefined) found.set(ref, [exemplar]);
      else list.push(exemplar);
    }
    return found;
  }

  /** All, the oldest first. */
  *inOrder(): Generator<Slot> {
    const { length } = this.#slots;
    const start = length < EXEMPLARS_MAX ? 0 : this.#next;
    for (let index = 0; index < length; index++) yield this.#slots[(start + index) % length]!;
  }
}

function sameExemplar(left: Exemplar, right: Exemplar): boolean {
  const sameValue = Object.is(left.value, right.value);
  return left.timestampMs === right.timestampMs && sameValue && sameLabels(left.labels, right.labels);
}

function sameLabels(left: Labels, right: Labels): boolean {
  return left.pairs.length === right.pairs.length && left.pairs.every((text, index) => text === right.pairs[index]);
}
