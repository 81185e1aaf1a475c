/** A query that is refused or fails; Loki answers such with a status and a plain sentence. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly status: number;
  /** Label of `gatewayz_logs_queries_refused_total` where a limit was passed. */
  readonly limit: string | undefined;

  constructor(status: number, message: string, limit?: string) {
    super(message);
    this.status = status;
    this.limit = limit;
  }
}

/** What Loki says when lines of a metric query carry `__error__`. */
export function pipelineError(error: string, details: string, series: string): QueryError {
  return new QueryError(
    400,
    `pipeline error: '${error}' for series: '${series}'.\n` +
      `Use a label filter to intentionally skip this error. (e.g | __error__!="${error}").\n` +
      `To skip all potential errors you can match empty errors.(e.g __error__="")\n` +
      `The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )\n${details === "" ? "" : `(${details})\n`}`,
  );
}
