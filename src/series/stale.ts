/**
 * Prometheus' staleness marker is the NaN with bits 0x7ff0000000000002. JavaScript may change the payload of a NaN
 * that passes through arithmetic, so the marker is written and tested only through a 32-bit view of the column.
 * Source: Prometheus model/value/value.go (StaleNaN).
 */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 0x00000002;
// Float64Array follows the machine's byte order; every platform Node runs on is little-endian, but we ask.
const LOW_FIRST = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** The 32-bit view of a value column that `isStale` and `setStale` need; make it once per column. */
export function bitsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

export function isStale(bits: Uint32Array, index: number): boolean {
  const first = bits[index * 2];
  const second = bits[index * 2 + 1];
  return LOW_FIRST ? first === STALE_LOW && second === STALE_HIGH : first === STALE_HIGH && second === STALE_LOW;
}

export function setStale(bits: Uint32Array, index: number): void {
  bits[index * 2] = LOW_FIRST ? STALE_LOW : STALE_HIGH;
  bits[index * 2 + 1] = LOW_FIRST ? STALE_HIGH : STALE_LOW;
}
