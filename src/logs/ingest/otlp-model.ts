/** An attribute's value: OTLP's AnyValue as JSON would hold it. Integers past 2^53 come as decimal text. */
export type OtlpValue = string | number | boolean | null | readonly OtlpValue[] | { readonly [key: string]: OtlpValue };

export type OtlpAttribute = readonly [key: string, value: OtlpValue];

/** One log record, with what its resource and scope say. */
export interface OtlpRecord {
  /** Unix nanoseconds; 0 where the sender left it out. */
  readonly timeNs: bigint;
  readonly observedNs: bigint;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: OtlpValue;
  readonly attributes: readonly OtlpAttribute[];
  /** Hex digits, "" where there is none. */
  readonly traceId: string;
  readonly spanId: string;
}

/** Records of one scope of one resource. */
export interface OtlpScope {
  readonly resource: readonly OtlpAttribute[];
  readonly scopeName: string;
  readonly scopeVersion: string;
  readonly records: readonly OtlpRecord[];
}
