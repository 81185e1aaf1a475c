import { StorageError } from "../../storage/storage-error.ts";
import type { BitReader, BitWriter } from "./bit-stream.ts";

/** No window of significant bits was written yet. */
const NO_WINDOW = 0xff;
const LEADING_MAX = 31;

/**
 * One column of floats in Gorilla's XOR encoding (Pelkonen et al. 2015, section 4.1.2, with Prometheus' limits): the
 * state that writer and reader both keep. Values are two 32-bit halves, as JavaScript may change the payload of a NaN
 * and staleness markers live there.
 */
export class XorValue {
  high = 0;
  low = 0;
  #leading = NO_WINDOW;
  #trailing = 0;

  /** The first value of a chunk: all 64 bits. */
  writeFirst(stream: BitWriter, high: number, low: number): void {
    stream.write64(high, low, 64);
    this.high = high | 0;
    this.low = low | 0;
  }

  write(stream: BitWriter, high: number, low: number): void {
    this.#writeXor(stream, (high ^ this.high) | 0, (low ^ this.low) | 0);
    this.high = high | 0;
    this.low = low | 0;
  }

  readFirst(reader: BitReader): void {
    this.low = reader.read64(64) | 0;
    this.high = reader.high | 0;
  }

  /** @throws StorageError STORAGE_TRUNCATED or STORAGE_CORRUPT */
  read(reader: BitReader): void {
    if (reader.bit() === 0) return;
    if (reader.bit() === 1) {
      const window = reader.read(11);
      // 64 significant bits do not fit in six; 0 stands for them.
      const significant = window & 63 || 64;
      this.#leading = window >>> 6;
      this.#trailing = 64 - this.#leading - significant;
      if (this.#trailing < 0) throw new StorageError("STORAGE_CORRUPT", "chunk value is wider than 64 bits");
    }
    if (this.#leading === NO_WINDOW) throw new StorageError("STORAGE_CORRUPT", "chunk value has no window");
    const trailing = this.#trailing;
    const low = reader.read64(64 - this.#leading - trailing);
    if (trailing >= 32) this.high ^= low << (trailing - 32);
    else if (trailing === 0) {
      this.low ^= low;
      this.high ^= reader.high;
    } else {
      this.low ^= low << trailing;
      this.high ^= (reader.high << trailing) | (low >>> (32 - trailing));
    }
  }

  #writeXor(stream: BitWriter, high: number, low: number): void {
    if (high === 0 && low === 0) {
      stream.bit(0);
      return;
    }
    const leading = Math.min(high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low), LEADING_MAX);
    const trailing = low !== 0 ? trailingZeros(low) : 32 + trailingZeros(high);
    if (this.#leading !== NO_WINDOW && leading >= this.#leading && trailing >= this.#trailing) {
      stream.write(0b10, 2);
    } else {
      this.#leading = leading;
      this.#trailing = trailing;
      stream.write((0b11 << 11) | (leading << 6) | ((64 - leading - trailing) & 63), 13);
    }
    const shift = this.#trailing;
    const significant = 64 - this.#leading - shift;
    if (shift >= 32) stream.write64(0, high >>> (shift - 32), significant);
    else if (shift === 0) stream.write64(high, low, significant);
    else stream.write64(high >>> shift, (low >>> shift) | (high << (32 - shift)), significant);
  }
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
