/** One stretch of time and what is counted in it. */
export interface Slot<T> {
  readonly startMs: number;
  readonly value: T;
}

/** The newest `slots` stretches of `slotMs` each; older ones are overwritten. A clock set back counts into the past. */
export class TimeRing<T> {
  readonly slotMs: number;
  readonly #slots: (Slot<T> | undefined)[];
  readonly #make: () => T;

  constructor(slots: number, slotMs: number, make: () => T) {
    this.#slots = new Array<Slot<T> | undefined>(slots).fill(undefined);
    this.slotMs = slotMs;
    this.#make = make;
  }

  at(nowMs: number): T {
    const index = Math.floor(nowMs / this.slotMs);
    const place = index % this.#slots.length;
    let slot = this.#slots[place];
    if (slot === undefined || slot.startMs !== index * this.slotMs) {
      slot = { startMs: index * this.slotMs, value: this.#make() };
      this.#slots[place] = slot;
    }
    return slot.value;
  }

  /** Slots that began at or after `fromMs`, oldest first. */
  since(fromMs: number): Slot<T>[] {
    return this.#slots
      .filter((slot): slot is Slot<T> => slot !== undefined && slot.startMs >= fromMs)
      .sort((a, b) => a.startMs - b.startMs);
  }
}
