import { counter, histogram, info, sharedGauge, withExemplars } from "./metric-spec.ts";

const DURATION_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]; // seconds
const SIZE_BUCKETS = [100, 1_000, 10_000, 100_000, 1_000_000]; // bytes

/** Every request to the gateway's HTTP port but `/metrics` itself. */
export const httpMetrics = {
  fastapi_app_info: info(["app_name"], "The application that exports these metrics.", "constant"),
  fastapi_requests_total: counter(
    ["app_name", "method", "path", "status_code", "status_class"],
    "HTTP requests finished.",
    "request finished",
  ),
  fastapi_requests_duration_seconds: withExemplars(
    histogram(["app_name", "method", "path"], DURATION_BUCKETS, "Time to the end of the answer.", "request finished"),
  ),
  fastapi_requests_in_progress: sharedGauge(
    ["app_name", "method", "path"],
    "HTTP requests being answered now.",
    "request started and finished",
  ),
  http_requests_total: counter(
    ["method", "endpoint", "status_code", "status_class"],
    "HTTP requests finished.",
    "request finished",
  ),
  http_request_duration_seconds: withExemplars(
    histogram(["method", "endpoint"], DURATION_BUCKETS, "Time to the end of the answer.", "request finished"),
  ),
  fastapi_request_size_bytes: histogram(
    ["app_name", "method", "path"],
    SIZE_BUCKETS,
    "Size of request bodies.",
    "request finished",
  ),
  fastapi_response_size_bytes: histogram(
    ["app_name", "method", "path"],
    SIZE_BUCKETS,
    "Size of response bodies.",
    "request finished",
  ),
  fastapi_exceptions_total: counter(
    ["app_name", "exception_type"],
    "Errors that no handler expected.",
    "event uncaughtError",
  ),
} as const;
