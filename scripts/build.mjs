// Bundles the server (one ESM bundle, roles as lazy chunks) and the web UI into dist/ and web/dist/.
import { existsSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Packages that carry a native binary beside their JavaScript and so must stay where npm put them. */
const NATIVE = ["snappy", "lz4-napi", "@mongodb-js/zstd", "libsql"];

/** CommonJS packages inside an ES module bundle still ask for these names. */
const COMMONJS_NAMES = [
  'import { createRequire as __makeRequire } from "node:module";',
  'import { fileURLToPath as __toPath } from "node:url";',
  'import { dirname as __dirOf } from "node:path";',
  "const require = __makeRequire(import.meta.url);",
  "const __filename = __toPath(import.meta.url);",
  "const __dirname = __dirOf(__filename);",
].join("");

/** The server's imports of undici get the parts that it uses. */
const undiciParts = {
  name: "undici-parts",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^undici$/ }, () => ({ path: resolve(root, "scripts/undici-client.mjs") })),
};

/** Fastify's schema compilers and its stand-in for a socket: no route of ours has a schema, and servers listen. */
const fastifyParts = {
  name: "fastify-parts",
  setup({ onResolve, onLoad }) {
    const unused = /^(@fastify\/ajv-compiler|@fastify\/fast-json-stringify-compiler|light-my-request)$/;
    onResolve({ filter: unused }, ({ path }) => ({ path, namespace: "unused" }));
    onLoad({ filter: /.*/, namespace: "unused" }, ({ path }) => ({
      contents: `module.exports = () => { throw new Error("BUG: ${path} is not part of the bundle"); };`,
    }));
  },
};

rmSync(resolve(root, "dist"), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { gatewayz: "src/cli/main.ts", "role-process": "src/cli/role-process.ts" },
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  external: NATIVE,
  plugins: [undiciParts, fastifyParts],
  banner: { js: COMMONJS_NAMES },
  // Names stay readable in stack traces; whitespace and dead code go.
  minifyWhitespace: true,
  minifySyntax: true,
  keepNames: false,
  legalComments: "none",
  logLevel: "warning",
});
if (existsSync(resolve(root, "web/build.mjs"))) await import("../web/build.mjs");
