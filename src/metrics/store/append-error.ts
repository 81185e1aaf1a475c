/** Why a sample or exemplar was refused; the texts are Prometheus' own (storage/interface.go), clients match on them. */
const APPEND_ERROR_TEXTS = {
  OUT_OF_ORDER_SAMPLE: "out of order sample",
  DUPLICATE_SAMPLE: "duplicate sample for timestamp",
  OUT_OF_BOUNDS: "out of bounds",
  OUT_OF_ORDER_EXEMPLAR: "out of order exemplar",
  EXEMPLAR_LABELS_TOO_LONG: "label length for exemplar exceeds maximum of 128 UTF-8 characters",
  UNKNOWN_SERIES: "unknown series",
  INVALID_SAMPLE: "invalid sample",
  SERIES_LIMIT: "series limit reached",
} as const;

export type AppendErrorCode = keyof typeof APPEND_ERROR_TEXTS;

/** One refused sample; the others of the batch are not concerned. */
export class AppendError extends Error {
  override readonly name = "AppendError";
  readonly code: AppendErrorCode;

  constructor(code: AppendErrorCode, detail = "") {
    super(detail === "" ? APPEND_ERROR_TEXTS[code] : `${APPEND_ERROR_TEXTS[code]}: ${detail}`);
    this.code = code;
  }
}
