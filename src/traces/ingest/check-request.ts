import {
  forEachAttribute,
  newAttributeCursor,
  type OtlpVisitor,
  readAttribute,
  readOtlpTraces,
  type SpanCursor,
  utf8,
} from "./otlp-reader.ts";
import { WireReader } from "./wire-reader.ts";

/** What a request holds, found before anything of it is kept. */
export interface RequestCheck {
  readonly spans: number;
  /** Spans whose ids are missing, zero or of the wrong length. */
  readonly invalidTraceIds: number;
  readonly invalidSpanIds: number;
}

/** Walks a whole request, every attribute, event and link included. @throws WireError where it is malformed. */
export function checkRequest(bytes: Uint8Array): RequestCheck {
  const checker = new Checker(bytes);
  readOtlpTraces(bytes, checker);
  return checker;
}

class Checker implements OtlpVisitor {
  spans = 0;
  invalidTraceIds = 0;
  invalidSpanIds = 0;
  readonly #attribute = newAttributeCursor();
  readonly #reader: WireReader;

  constructor(bytes: Uint8Array) {
    this.#reader = new WireReader(bytes);
  }

  resource(): void {}

  scope(bytes: Uint8Array, message: { start: number; end: number }): void {
    const reader = this.#reader.enter(message.start, message.end);
    while (reader.next()) if (reader.field <= 2) utf8(bytes, reader.start, reader.stop);
  }

  span(span: SpanCursor): void {
    this.spans++;
    if (span.traceIdAt < 0) this.invalidTraceIds++;
    else if (span.spanIdAt < 0) this.invalidSpanIds++;
    const { bytes, attributes, events, links } = span;
    for (let index = 0; index < attributes.length; index += 2) {
      readAttribute(bytes, attributes[index]!, attributes[index + 1]!, this.#attribute);
    }
    for (let index = 0; index < events.length; index += 2) checkChild(bytes, events[index]!, events[index + 1]!, 3);
    for (let index = 0; index < links.length; index += 2) checkChild(bytes, links[index]!, links[index + 1]!, 4);
  }
}

function checkChild(bytes: Uint8Array, start: number, end: number, attributesField: number): void {
  forEachAttribute(bytes, start, end, attributesField, ignore);
}

function ignore(): void {}
