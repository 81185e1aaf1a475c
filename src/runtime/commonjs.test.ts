import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
/** As scripts/build.mjs writes it before every chunk. */
const REQUIRE = 'import { createRequire as make } from "node:module"; const require = make(import.meta.url);';

const PACKAGES = [
  ["@smithy/signature-v4", "SignatureV4"],
  ["@smithy/eventstream-codec", "EventStreamCodec"],
  ["google-auth-library", "GoogleAuth"],
  ["redis", "createClient"],
] as const;

test("names of lazily imported packages are found in a bundle, too", async () => {
  const folder = await mkdtemp(join(ROOT, "node_modules/.commonjs-test-"));
  try {
    const lines = PACKAGES.map(([name, what]) => `console.log(typeof commonJs(await import("${name}")).${what});`);
    const contents = `import { commonJs } from "./src/runtime/commonjs.ts";\n${lines.join("\n")}`;
    await build({
      stdin: { contents, resolveDir: ROOT, loader: "ts" },
      absWorkingDir: ROOT,
      outdir: folder,
      bundle: true,
      splitting: true,
      format: "esm",
      outExtension: { ".js": ".mjs" },
      platform: "node",
      target: "node20",
      banner: { js: REQUIRE },
      logLevel: "silent",
    });
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "stdin.mjs")]);
    expect(stdout.trim().split("\n")).toEqual(PACKAGES.map(() => "function"));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("and in Node itself", async () => {
  const { commonJs } = await import("./commonjs.ts");
  const { SignatureV4 } = commonJs(await import("@smithy/signature-v4"));
  expect(SignatureV4).toBeTypeOf("function");
});
