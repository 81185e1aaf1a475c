/** Halves of Prometheus' staleness marker (model/value/value.go: StaleNaN), as in `series/stale.ts`. */
export const STALE_HIGH = 0x7ff00000;
export const STALE_LOW = 0x00000002;
/** Halves of its ordinary NaN (NormalNaN): every other NaN is stored as this one. */
const NAN_HIGH = 0x7ff80000;
const NAN_LOW = 0x00000001;

const scratch = new DataView(new ArrayBuffer(8));

/** Upper 32 bits of a value as it is stored. */
export function highBits(value: number): number {
  if (Number.isNaN(value)) return NAN_HIGH;
  scratch.setFloat64(0, value);
  return scratch.getInt32(0);
}

/** Lower 32 bits of a value as it is stored. */
export function lowBits(value: number): number {
  if (Number.isNaN(value)) return NAN_LOW;
  scratch.setFloat64(0, value);
  return scratch.getInt32(4);
}

export function isStaleValue(high: number, low: number): boolean {
  return high === STALE_HIGH && low === STALE_LOW;
}
