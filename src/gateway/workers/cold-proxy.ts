import { Agent, type IncomingMessage, request } from "node:http";
import { pipeline } from "node:stream";
import type { FastifyReply } from "fastify";
import { CLIENT_ADDRESS_HEADER } from "../access/client-address.ts";
import { GatewayError } from "../errors.ts";

const IDLE_SOCKETS_MAX = 8;
const ANSWER_MS_MAX = 60_000;

/** Passes requests that a worker does not answer itself to the primary's private socket, byte by byte. */
export class ColdProxy {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_SOCKETS_MAX });

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /**
   * Resolves when the client has its answer.
   * @param address The client's, undefined for this machine.
   * @throws GatewayError SHUTTING_DOWN when the primary cannot be reached and nothing has been sent.
   */
  pass(incoming: IncomingMessage, reply: FastifyReply, address: string | undefined): Promise<void> {
    const outgoing = reply.raw;
    const headers = { ...incoming.headers, [CLIENT_ADDRESS_HEADER]: address ?? "" };
    return new Promise((resolve, reject) => {
      const onward = request({
        socketPath: this.#socketPath,
        agent: this.#agent,
        method: incoming.method,
        path: incoming.url,
        headers,
        timeout: ANSWER_MS_MAX,
      });
      onward.on("response", (answer) => {
        reply.hijack();
        outgoing.writeHead(answer.statusCode!, answer.rawHeaders);
        pipeline(answer, outgoing, () => resolve()); // A broken pipe is the client's departure; nothing is left to do.
      });
      onward.on("timeout", () => onward.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)));
      onward.on("error", () => {
        if (!outgoing.headersSent) reject(new GatewayError("SHUTTING_DOWN", {}, { retryAfterSeconds: 1 }));
        else {
          outgoing.destroy();
          resolve();
        }
      });
      outgoing.once("close", () => onward.destroy());
      incoming.pipe(onward);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
