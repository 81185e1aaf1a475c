import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
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
