import type { Dialogue } from "../translation/dialogue.ts";

/** Most attempts of one request whose answers are collected apart. */
const ATTEMPTS_WATCHED_MAX = 16;

/** What one attempt of a request has brought so far. */
class Take {
  readonly #bytesMax: number;
  readonly #pieces: Buffer[] = [];
  bytes = 0;
  chunks = 0;
  ended = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add<Piece extends Buffer | string>(piece: Piece): Piece {
    if (piece.length === 0) return piece;
    this.chunks++;
    // Copied: a chunk is a view into a socket's buffer, which it would keep alive as a whole.
    const copy = this.bytes < this.#bytesMax ? Buffer.from(piece as Buffer) : undefined;
    if (copy !== undefined) this.#pieces.push(copy.subarray(0, this.#bytesMax - this.bytes));
    this.bytes += copy?.length ?? piece.length;
    return piece;
  }

  collected(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

export interface TappedReply {
  /** The answer in the client's format, cut to the tap's limit. */
  readonly bytes: Buffer;
  /** False where it was longer than the tap holds. */
  readonly whole: boolean;
  readonly chunks: number;
}

/** Collects what a client is sent, up to a limit, without slowing or changing it. */
export class ReplyTap {
  readonly #bytesMax: number;
  readonly #takes: Take[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Watches a dialogue's replies. A dialogue lives as long as its request, so its two doors are replaced in place. */
  attach(dialogue: Dialogue): void {
    const convertReply = dialogue.convertReply.bind(dialogue);
    const streamConverter = dialogue.streamConverter.bind(dialogue);
    dialogue.convertReply = (...input) => {
      const converted = convertReply(...input);
      if (converted !== undefined) {
        const take = this.#begin();
        take.add(converted.bytes);
        take.ended = true;
      }
      return converted;
    };
    dialogue.streamConverter = (...input) => {
      const converter = streamConverter(...input);
      const push = converter.push.bind(converter);
      const end = converter.end.bind(converter);
      const take = this.#begin();
      converter.push = (chunk) => take.add(push(chunk));
      converter.end = () => {
        take.ended = true;
        return take.add(end());
      };
      return converter;
    };
  }

  /** The answer that counts: the one that came to its end, else the longest; undefined where none began. */
  reply(): TappedReply | undefined {
    const take = this.#takes.findLast(({ ended }) => ended) ?? this.#takes.toSorted((a, b) => b.bytes - a.bytes)[0];
    if (take === undefined || take.bytes === 0) return undefined;
    return { bytes: take.collected(), whole: take.bytes <= this.#bytesMax, chunks: take.chunks };
  }

  /** Each attempt is collected by itself: two may run at once, and only one of them is the answer. */
  #begin(): Take {
    const take = new Take(this.#bytesMax);
    if (this.#takes.length >= ATTEMPTS_WATCHED_MAX) this.#takes.shift();
    this.#takes.push(take);
    return take;
  }
}
