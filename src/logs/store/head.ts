import type { Labels } from "../../series/labels.ts";
import type { Entry } from "../entry.ts";
import { RowsBuilder } from "./rows-builder.ts";

/** One stream's entries in memory, the newest builder last. */
export interface HeadStream {
  readonly labels: Labels;
  readonly builders: RowsBuilder[];
}

/** What came in since the last flush, by stream. */
export class Head {
  readonly streams = new Map<string, HeadStream>();
  /** Line and metadata bytes. */
  bytes = 0;
  rows = 0;
  /** When the first entry came in, ms of `Date.now()`; undefined while empty. */
  startedAtMs: number | undefined;
  /** Set when it is frozen: the first WAL segment whose records are not in here. */
  walThrough = 0;

  /** The stream of a label set, made where it is new. */
  stream(labels: Labels): HeadStream {
    const known = this.streams.get(labels.key);
    if (known !== undefined) return known;
    const created: HeadStream = { labels, builders: [new RowsBuilder()] };
    this.streams.set(labels.key, created);
    return created;
  }

  /** What a segment file of this head holds. */
  *blocks(): IterableIterator<{ readonly labels: Labels; readonly builder: RowsBuilder }> {
    for (const { labels, builders } of this.streams.values()) {
      for (const builder of builders) if (builder.count > 0) yield { labels, builder };
    }
  }

  append(stream: HeadStream, entry: Entry): void {
    let builder = stream.builders.at(-1)!;
    if (builder.full) {
      builder = new RowsBuilder();
      stream.builders.push(builder);
    }
    const before = builder.bytes;
    if (!builder.append(entry)) return;
    this.bytes += builder.bytes - before;
    this.rows++;
    this.startedAtMs ??= Date.now();
  }
}
