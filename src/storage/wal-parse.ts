import { crc32c } from "./crc32c.ts";
import { FRAGMENT_TYPE_MASK, FragmentType, HEADER_BYTES, PAGE_BYTES, RECORD_BYTES_MAX } from "./wal-format.ts";

/** Where and why a segment stops making sense. */
export class WalDamage extends Error {
  override readonly name = "WalDamage";
  /** Offset in the segment from which on nothing is usable: the start of the first record that is not whole. */
  readonly offset: number;

  constructor(offset: number, reason: string) {
    super(reason);
    this.offset = offset;
  }
}

/** A whole record, still compressed as its flags say. */
export interface FramedRecord {
  /** Borrowed from the page where the record lies in one; valid until the next page is parsed. */
  readonly bytes: Uint8Array;
  readonly flags: number;
  /** Offset in the segment of the record's first fragment. */
  readonly offset: number;
}

/** Puts the records of one segment together from its pages, which come in order. */
export class SegmentParser {
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  #flags = 0;
  #recordOffset = 0;
  /** After damage: the rest of a cut record is passed over without complaint. */
  #resyncing = false;

  /**
   * @param page  PAGE_BYTES, or fewer for the last page of a segment whose writer died.
   * @throws WalDamage; then call `resync` and go on with the next page, or stop.
   */
  *parse(page: Uint8Array, pageOffset: number): Generator<FramedRecord> {
    let at = 0;
    while (at < page.length) {
      const typeByte = page[at]!;
      const type = typeByte & FRAGMENT_TYPE_MASK;
      if (type === FragmentType.PageEnd) {
        this.#checkPadding(page, at, pageOffset);
        return;
      }
      const offset = pageOffset + at;
      const length = this.#checkFragment(page, at, offset);
      const body = page.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
      at += HEADER_BYTES + length;
      const record = this.#fragment(type, typeByte & ~FRAGMENT_TYPE_MASK, body, offset);
      if (record !== undefined) yield record;
    }
  }

  /** Call at the segment's end. @throws WalDamage when a record has begun and not ended. */
  finish(): void {
    if (this.#parts.length > 0) throw new WalDamage(this.#recordOffset, "last record is cut off");
  }

  /** Forgets the record under way and passes over fragments up to the next record's first one. */
  resync(): void {
    this.#drop();
    this.#resyncing = true;
  }

  #checkPadding(page: Uint8Array, start: number, pageOffset: number): void {
    for (let index = start; index < page.length; index++) {
      if (page[index] !== 0) {
        throw new WalDamage(this.#startOr(pageOffset + start), "unexpected non-zero byte in padded page");
      }
    }
  }

  /** Checks everything that one fragment's header and bytes can prove; returns its length. */
  #checkFragment(page: Uint8Array, at: number, offset: number): number {
    const damaged = (reason: string): WalDamage => new WalDamage(this.#startOr(offset), reason);
    if (at + HEADER_BYTES > page.length) throw damaged("fragment header is cut off");
    const length = (page[at + 1]! << 8) | page[at + 2]!;
    if (length > PAGE_BYTES - HEADER_BYTES) throw damaged(`invalid fragment size ${length}`);
    const end = at + HEADER_BYTES + length;
    if (end > page.length) throw damaged(`fragment of ${length} bytes passes the end of the page`);
    const stored = ((page[at + 3]! << 24) | (page[at + 4]! << 16) | (page[at + 5]! << 8) | page[at + 6]!) >>> 0;
    const computed = crc32c(page, at + HEADER_BYTES, end);
    if (stored !== computed) {
      throw damaged(`unexpected checksum ${computed.toString(16)}, expected ${stored.toString(16)}`);
    }
    return length;
  }

  #fragment(type: number, flags: number, body: Uint8Array, offset: number): FramedRecord | undefined {
    const open = this.#parts.length > 0;
    switch (type) {
      case FragmentType.Full:
        if (open) throw new WalDamage(this.#recordOffset, "unexpected full record");
        this.#resyncing = false;
        return { bytes: body, flags, offset };
      case FragmentType.First:
        if (open) throw new WalDamage(this.#recordOffset, "unexpected first record");
        this.#resyncing = false;
        this.#recordOffset = offset;
        this.#flags = flags;
        this.#keep(body);
        return undefined;
      case FragmentType.Middle:
      case FragmentType.Last:
        if (this.#resyncing) return undefined;
        if (!open) throw new WalDamage(offset, "fragment continues no record");
        this.#keep(body);
        return type === FragmentType.Last ? this.#joined() : undefined;
      default:
        throw new WalDamage(this.#startOr(offset), `unexpected fragment type ${type}`);
    }
  }

  #keep(body: Uint8Array): void {
    this.#partsBytes += body.length;
    if (this.#partsBytes > RECORD_BYTES_MAX) {
      throw new WalDamage(this.#recordOffset, `record is larger than ${RECORD_BYTES_MAX} bytes`);
    }
    this.#parts.push(body.slice());
  }

  #joined(): FramedRecord {
    const bytes = new Uint8Array(this.#partsBytes);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#drop();
    return { bytes, flags: this.#flags, offset: this.#recordOffset };
  }

  #drop(): void {
    this.#parts = [];
    this.#partsBytes = 0;
  }

  /** Damage within a record under way makes the whole record unusable. */
  #startOr(offset: number): number {
    return this.#parts.length > 0 ? this.#recordOffset : offset;
  }
}
