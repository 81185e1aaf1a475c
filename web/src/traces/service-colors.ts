const PALETTE = [
  "#37a794",
  "#5b8ff9",
  "#e8a33d",
  "#b877d9",
  "#e0617a",
  "#6cc04a",
  "#3fb6d8",
  "#d98cb3",
  "#a3915d",
  "#8f8ff0",
  "#d9733f",
  "#4fae7f",
];

/** A colour per service, the same for a service in every trace of a page as far as the palette reaches. */
export function serviceColor(service: string): string {
  let hash = 7;
  for (const char of service) hash = (hash * 33 + char.charCodeAt(0)) >>> 0;
  return PALETTE[hash % PALETTE.length]!;
}
