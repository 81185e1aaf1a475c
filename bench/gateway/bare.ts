// The floor of bench/gateway: a pass-through as one writes it with node:http and undici, which looks at nothing.
import { createServer, type OutgoingHttpHeaders } from "node:http";
import { pipeline } from "node:stream";
import { Agent, request as send } from "undici";

const [, , upstream, port] = process.argv;
const dispatcher = new Agent({ connections: 20_000 });

createServer(async (request, reply) => {
  const { authorization, "content-type": contentType } = request.headers;
  const { statusCode, headers, body } = await send(`${upstream}${request.url}`, {
    dispatcher,
    method: "POST",
    headers: { authorization, "content-type": contentType },
    body: request,
  });
  reply.writeHead(statusCode, headers as OutgoingHttpHeaders);
  pipeline(body, reply, () => undefined); // A broken pipe is the client's departure.
}).listen(Number(port), "127.0.0.1");
