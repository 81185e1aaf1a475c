const UNIT_BYTES: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1_024,
  KIB: 1_024,
  MB: 1_024 ** 2,
  MIB: 1_024 ** 2,
  GB: 1_024 ** 3,
  GIB: 1_024 ** 3,
  TB: 1_024 ** 4,
  TIB: 1_024 ** 4,
};

/** Bytes of a size such as `10MB` (powers of 1,024, as Prometheus reads them), or undefined when the text is none. */
export function parseSizeBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  if (match === null) return undefined;
  const unit = UNIT_BYTES[match[2]!.toUpperCase()];
  return unit === undefined ? undefined : Math.floor(Number(match[1]) * unit);
}
