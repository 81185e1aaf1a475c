import type { FastifyReply, FastifyRequest } from "fastify";
import { GatewayError } from "../errors.ts";

const HOST = /^host$/i;

/**
 * RFC 9112, section 3.2: a request with two Host headers, which Node takes and reads as the first, is refused, as the
 * servers in front of it may read the second.
 * @throws GatewayError INVALID_REQUEST; the connection is closed after the reply.
 */
export function refuseTwoHosts({ raw }: FastifyRequest, reply: FastifyReply): void {
  const { rawHeaders } = raw;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.length === 4 && HOST.test(rawHeaders[index]!)) hosts++;
  }
  if (hosts <= 1) return;
  reply.header("connection", "close");
  throw new GatewayError("INVALID_REQUEST", { reason: "The request has more than one Host header." });
}
