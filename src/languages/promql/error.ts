/** The error types of Prometheus' HTTP API that a query can end with. */
export type PromqlErrorType = "bad_data" | "execution" | "timeout" | "canceled";

/** A query that was refused or failed; the message is the text of Prometheus' `error` field. */
export class PromqlError extends Error {
  override readonly name: string = "PromqlError";
  readonly type: PromqlErrorType;

  constructor(type: PromqlErrorType, message: string) {
    super(message);
    this.type = type;
  }
}

/** A text that is not PromQL, or does not type-check. The message begins `line:column: parse error: `. */
export class ParseError extends PromqlError {
  override readonly name = "ParseError";
  /** The sentence without its place. */
  readonly reason: string;
  /** Start and end offset in the query, in UTF-16 units. */
  readonly start: number;
  readonly end: number;

  constructor(query: string, start: number, end: number, reason: string) {
    super("bad_data", `${lineAndColumn(query, start)}: parse error: ${reason}`);
    this.reason = reason;
    this.start = start;
    this.end = end;
  }
}

/** `line:column` of an offset, both from 1, as Prometheus counts them. */
export function lineAndColumn(query: string, offset: number): string {
  const before = query.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return `${before.split("\n").length}:${offset - lineStart + 1}`;
}
