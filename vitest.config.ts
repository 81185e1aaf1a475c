import { createRequire } from "node:module";
import { defineConfig } from "vitest/config";

const require = createRequire(import.meta.url);

export default defineConfig({
  test: {
    projects: [
      {
        // Node cannot link this package's ES modules (they name exports of a CommonJS one); browsers get those, bundled.
        resolve: { alias: { "@grafana/data": require.resolve("@grafana/data") } },
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "src/**/*.fuzz.ts", "web/src/**/*.test.ts", "web/src/**/*.test.tsx"],
          testTimeout: 20_000,
          pool: "forks",
        },
      },
      {
        test: {
          name: "system",
          include: ["test/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          pool: "forks",
        },
      },
    ],
  },
});
