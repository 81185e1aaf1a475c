/** A table for a terminal: a header, a rule, and rows in columns that are as wide as they must be. */
export function textTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  alignRight: readonly boolean[] = [],
): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (alignRight[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd();
  return `${[line(header), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)].join("\n")}\n`;
}
