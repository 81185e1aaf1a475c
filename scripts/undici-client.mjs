// What the server uses of undici, for the bundle: a fifth of the package's own index, which also loads its fetch,
// WebSocket, caches and mocks, about 5 MB of memory in every role's process.
import api from "undici/lib/api/index.js";
import util from "undici/lib/core/util.js";
import Agent from "undici/lib/dispatcher/agent.js";
import Dispatcher from "undici/lib/dispatcher/dispatcher.js";
import Pool from "undici/lib/dispatcher/pool.js";
import global from "undici/lib/global.js";

Object.assign(Dispatcher.prototype, api);

/** As undici's own `request`: to a URL, through the dispatcher given or the global one. */
function request(target, options = {}) {
  const url = util.parseURL(target);
  const { dispatcher = global.getGlobalDispatcher() } = options;
  const method = options.method ?? (options.body ? "PUT" : "GET");
  return dispatcher.request({ ...options, origin: url.origin, path: url.pathname + url.search, method });
}

export { Agent, Pool, request };
