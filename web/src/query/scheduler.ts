/** Queries in flight at once. Browsers open six connections per HTTP/1.1 host; one stays free for pages and scripts. */
const QUERIES_MAX = 5;

let active = 0;
const waiting: (() => void)[] = [];

/** Runs a task when a slot is free, in order of arrival. A task cancelled while it waits never starts. */
export async function schedule<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (active >= QUERIES_MAX) await waitForSlot(signal);
  signal.throwIfAborted();
  active++;
  try {
    return await task();
  } finally {
    active--;
    waiting.shift()?.();
  }
}

function waitForSlot(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const start = () => {
      signal.removeEventListener("abort", cancel);
      resolve();
    };
    const cancel = () => {
      const index = waiting.indexOf(start);
      if (index >= 0) waiting.splice(index, 1);
      reject(signal.reason);
    };
    if (signal.aborted) return cancel();
    signal.addEventListener("abort", cancel, { once: true });
    waiting.push(start);
  });
}

/** Whether queries run or wait; a refresh that would only pile up can be left out. */
export function isBusy(): boolean {
  return active > 0 || waiting.length > 0;
}
