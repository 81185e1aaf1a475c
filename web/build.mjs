// Bundles the UI into web/dist: index.html and hashed files under assets/, which the server offers below /public/.
// Run from anywhere: `node web/build.mjs [--watch] [--dev]`.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";

const webDir = path.dirname(fileURLToPath(import.meta.url));
const distDir = path.join(webDir, "dist");
const require = createRequire(import.meta.url);
const watch = process.argv.includes("--watch");
const dev = watch || process.argv.includes("--dev");

/**
 * Replaces what @grafana/data carries but this app never uses. Measured on the minified bundle: zone tables 730 kB,
 * zod (schemas of custom themes) 92 kB, i18next (translations; we show English) 66 kB.
 */
const slimGrafanaData = {
  name: "slim-grafana-data",
  setup(build) {
    build.onResolve({ filter: /^@grafana\/i18n/ }, () => ({ path: path.join(webDir, "src/grafana/stub-i18n.ts") }));
    build.onResolve({ filter: /^zod$/ }, () => ({ path: path.join(webDir, "src/grafana/stub-zod.ts") }));
    build.onLoad({ filter: /moment-timezone[\\/]data[\\/]packed[\\/]latest\.json$/ }, () => ({
      contents: JSON.stringify({ version: "none", zones: [], links: [], countries: [] }),
      loader: "json",
    }));
  },
};

/** Writes index.html with the hashed names and removes assets of earlier builds, after every successful build. */
const writeIndexHtml = {
  name: "write-index-html",
  setup(build) {
    build.onEnd(async (result) => {
      if (result.errors.length > 0) return;
      const outputs = Object.entries(result.metafile.outputs);
      const entry = outputs.find(([, output]) => output.entryPoint?.endsWith("src/main.tsx"));
      if (entry === undefined) throw new Error("cannot write index.html: no output for src/main.tsx");
      const url = (file) => `/public/${path.relative(distDir, path.resolve(webDir, file)).replaceAll("\\", "/")}`;
      const preloads = entry[1].imports
        .filter((item) => item.kind === "import-statement")
        .map((item) => url(item.path));
      const template = await readFile(path.join(webDir, "index.html"), "utf8");
      const head = [
        `<link rel="stylesheet" href="${url(entry[1].cssBundle)}">`,
        ...preloads.map((href) => `<link rel="modulepreload" href="${href}">`),
        `<script type="module" src="${url(entry[0])}"></script>`,
      ].join("\n    ");
      await writeFile(path.join(distDir, "index.html"), template.replace("<!-- assets -->", head));
      const wanted = new Set(outputs.map(([file]) => path.basename(file)));
      for (const file of await readdir(path.join(distDir, "assets"))) {
        if (!wanted.has(file)) await rm(path.join(distDir, "assets", file));
      }
    });
  },
};

await mkdir(path.join(distDir, "assets"), { recursive: true });
if (!existsSync(path.join(webDir, "src/main.tsx"))) throw new Error("cannot build the UI: web/src/main.tsx is missing");
const build = await context({
  absWorkingDir: webDir,
  entryPoints: ["src/main.tsx"],
  outdir: "dist/assets",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  format: "esm",
  splitting: true,
  minify: !dev,
  sourcemap: dev ? "inline" : false,
  target: ["es2022"],
  jsx: "automatic",
  metafile: true,
  legalComments: "none",
  define: { "process.env.NODE_ENV": JSON.stringify(dev ? "development" : "production"), global: "globalThis" },
  // One React for the app and for @grafana/data, wherever npm placed it.
  alias: { react: path.dirname(require.resolve("react/package.json")) },
  logLevel: "warning",
  plugins: [slimGrafanaData, writeIndexHtml],
});

if (watch) {
  await build.watch();
} else {
  const { metafile } = await build.rebuild();
  await build.dispose();
  if (process.argv.includes("--meta")) await writeFile(path.join(distDir, "meta.json"), JSON.stringify(metafile));
}
