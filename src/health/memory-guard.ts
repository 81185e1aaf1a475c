import type { Logger } from "../runtime/logger.ts";

const MIB = 1024 * 1024;
/** Below this share of the limit probes go on, so that it does not switch with every reading. */
const RESUME_SHARE = 0.9;

/** Holds probes back while the process takes more memory than it may (MEMORY_LIMIT_MB); what is known is served on. */
export class MemoryGuard {
  readonly #limitBytes: number;
  readonly #logger: Logger;
  readonly #usedBytes: () => number;
  #over = false;

  constructor(limitMib: number, logger: Logger, usedBytes: () => number = () => process.memoryUsage.rss()) {
    this.#limitBytes = limitMib * MIB;
    this.#logger = logger;
    this.#usedBytes = usedBytes;
  }

  /** True from the reading that passed the limit until one that is well below it. */
  get over(): boolean {
    return this.#over;
  }

  /** Takes a reading; one line per change. */
  check(): void {
    const usedBytes = this.#usedBytes();
    const over = usedBytes > this.#limitBytes * (this.#over ? RESUME_SHARE : 1);
    if (over === this.#over) return;
    this.#over = over;
    const sizes = { usedMib: Math.round(usedBytes / MIB), limitMib: Math.round(this.#limitBytes / MIB) };
    if (over) this.#logger.warn(sizes, "memory limit passed; models are not probed until there is room again");
    else this.#logger.info(sizes, "memory is below its limit; probes go on");
  }
}
