/** Error types of Prometheus' HTTP API and the status each is sent with. Source: web/api/v1/api.go. */
const STATUS = {
  bad_data: 400,
  execution: 422,
  timeout: 503,
  canceled: 499,
  internal: 500,
  unavailable: 503,
  not_found: 404,
  not_acceptable: 406,
} as const;

type ApiErrorType = keyof typeof STATUS;

/** A refusal as clients of Prometheus know it: `{"status":"error","errorType":…,"error":…}`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly type: ApiErrorType;

  constructor(type: ApiErrorType, message: string) {
    super(message);
    this.type = type;
  }

  get status(): number {
    return STATUS[this.type];
  }
}

/** What to call an error of the HTTP layer, by its status. */
export function errorTypeOf(status: number): string {
  switch (status) {
    case 401:
      return "unauthorized";
    case 404:
      return "not_found";
    case 503:
      return "unavailable";
    default:
      return status >= 500 ? "internal" : "bad_data";
  }
}
