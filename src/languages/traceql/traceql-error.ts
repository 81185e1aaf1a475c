/** A query that is no TraceQL, or that cannot mean anything; the text is Tempo's. */
export class TraceqlError extends Error {
  override readonly name = "TraceqlError";
  /** 1-based place of a syntax error; 0 for errors of meaning. */
  readonly line: number;
  readonly column: number;

  constructor(message: string, line = 0, column = 0) {
    super(line > 0 ? `parse error at line ${line}, col ${column}: ${message}` : message);
    this.line = line;
    this.column = column;
  }
}
