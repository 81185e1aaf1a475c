import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface FixtureModel {
  readonly id: string;
  readonly providers: readonly string[];
  readonly kind?: string;
}

export interface SentProbe {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

type Answer = { status: number; code?: string; message?: string } | "hang" | undefined;

/** A gateway that lists the given models and answers probes as told. */
export class FixtureGateway {
  models: readonly FixtureModel[];
  readonly probes: SentProbe[] = [];
  /** The answer to a probe; undefined succeeds. */
  answer: (probe: SentProbe) => Answer | Promise<Answer> = () => undefined;
  readonly #server: Server;

  private constructor(models: readonly FixtureModel[]) {
    this.models = models;
    this.#server = createServer(async (request, reply) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      reply.setHeader("content-type", "application/json");
      if (request.url === "/v1/models") {
        const data = this.models.map((model) => ({ kind: "chat", object: "model", ...model }));
        reply.end(JSON.stringify({ object: "list", data }));
        return;
      }
      const body = JSON.parse(Buffer.concat(parts).toString("utf8")) as Record<string, unknown>;
      const probe = { path: request.url!, headers: request.headers, body };
      this.probes.push(probe);
      const answer = await this.answer(probe);
      if (answer === "hang") return;
      if (answer === undefined) {
        reply.end(JSON.stringify({ choices: [], usage: { total_tokens: 6 } }));
        return;
      }
      reply.statusCode = answer.status;
      reply.end(JSON.stringify({ error: { gateway_code: answer.code, message: answer.message ?? "it broke" } }));
    });
  }

  /** @param port That of one that was closed, which so comes back. */
  static async start(models: readonly FixtureModel[], port = 0): Promise<FixtureGateway> {
    const gateway = new FixtureGateway(models);
    await new Promise<void>((resolve) => gateway.#server.listen(port, "127.0.0.1", resolve));
    return gateway;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
