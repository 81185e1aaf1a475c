/** A query that is not LogQL; the message is worded as Loki words it, position included. */
export class ParseError extends Error {
  override readonly name = "ParseError";
  /** 1-based; 0 where the error concerns the query as a whole. */
  readonly line: number;
  readonly column: number;

  constructor(detail: string, line = 0, column = 0) {
    super(line === 0 ? `parse error : ${detail}` : `parse error at line ${line}, col ${column}: ${detail}`);
    this.line = line;
    this.column = column;
  }
}

/** The error at a character offset of the query. */
export function errorAt(query: string, offset: number, detail: string): ParseError {
  const before = query.slice(0, offset);
  const line = before.split("\n").length;
  return new ParseError(detail, line, offset - (before.lastIndexOf("\n") + 1) + 1);
}
