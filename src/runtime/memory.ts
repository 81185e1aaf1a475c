import { readFileSync } from "node:fs";

/** Proportional set size of a process in bytes, or its resident size where PSS cannot be read; 0 when it is gone. */
export function processMemoryBytes(pid: number): number {
  return (
    kilobytes(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB/m) ??
    kilobytes(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB/m) ??
    0
  );
}

function kilobytes(path: string, pattern: RegExp): number | undefined {
  try {
    const match = pattern.exec(readFileSync(path, "utf8"));
    return match === null ? undefined : Number(match[1]) * 1024;
  } catch {
    return undefined; // the process ended, or the kernel has no such file
  }
}
