import type { ChildProcess, SendHandle } from "node:child_process";

/** What node:cluster sends to a worker with a connection, and what the worker answers (`ack`) when it has taken it. */
interface ClusterMessage {
  readonly cmd?: string;
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

/**
 * Closes the connections that node:cluster had handed to a worker when the worker died before it took them. Node itself
 * keeps them open for ever: their clients would wait for an answer that nobody will give. Its messages are internal; if
 * another version calls them otherwise, this does nothing.
 * @param closed Told how many, when the worker has ended, if any.
 */
export function closeConnectionsInTransit(worker: ChildProcess, closed: (count: number) => void): void {
  const inTransit = new Map<number, { close(): void }>();
  const send = worker.send.bind(worker) as (...rest: unknown[]) => boolean;
  worker.send = ((message: ClusterMessage | null, handle?: SendHandle, ...rest: unknown[]): boolean => {
    if (handle && message?.cmd === "NODE_CLUSTER" && message.act === "newconn" && message.seq !== undefined)
      inTransit.set(message.seq, handle as unknown as { close(): void });
    return send(message, handle, ...rest);
  }) as typeof worker.send;
  worker.on("internalMessage", ({ ack }: ClusterMessage) => {
    if (ack !== undefined) inTransit.delete(ack);
  });
  worker.once("exit", () => {
    for (const connection of inTransit.values()) connection.close();
    if (inTransit.size > 0) closed(inTransit.size);
    inTransit.clear();
  });
}
