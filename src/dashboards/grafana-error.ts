/** An error in Grafana's JSON shape: `{message, messageId, statusCode, traceID}`. */
export class GrafanaError extends Error {
  override readonly name = "GrafanaError";
  /** The sentence is meant for the client, whatever the status. */
  readonly expose = true;
  readonly statusCode: number;
  readonly messageId: string;
  /** Grafana's `status` word, such as `version-mismatch`, where the API has one. */
  readonly status: string | undefined;

  constructor(statusCode: number, message: string, messageId = "", status?: string) {
    super(message);
    this.statusCode = statusCode;
    this.messageId = messageId;
    this.status = status;
  }
}

export function grafanaErrorBody(message: string, statusCode: number, messageId = "", status?: string): object {
  return { message, messageId, statusCode, traceID: "", ...(status === undefined ? {} : { status }) };
}
