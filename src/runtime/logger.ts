import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";

export type { Logger } from "pino";

/** Field paths that never reach a log line, whoever passes them. */
const REDACTED_PATHS = [
  "authorization",
  "headers.authorization",
  'headers["x-api-key"]',
  "headers.cookie",
  "apiKey",
  "adminApiKey",
  "engineKey",
  "password",
];

/**
 * The logger of one role: JSON lines with `time` (ISO 8601), `level` as a word, `service` and `msg`.
 * pino escapes newlines and control characters, so a line of input never becomes two lines of log.
 */
export function createLogger(service: string, level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: "<redacted>" },
    },
    destination,
  );
}
