/** The import rule of docs/architecture.md: cli → operations | roles → languages → series | storage | database | redis →
 *  runtime → config. */
const roles = ["gateway", "health", "metrics", "logs", "traces", "dashboards"];
const below = (from, forbidden) => ({
  name: `${from}-imports-only-what-is-below-it`,
  severity: "error",
  from: { path: `^src/${from}/` },
  to: { path: `^src/(${forbidden.join("|")})/` },
});
module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    ...roles.map((role) => ({
      name: `${role}-imports-no-other-role`,
      severity: "error",
      from: { path: `^src/${role}/` },
      to: { path: `^src/(${roles.filter((r) => r !== role).join("|")}|operations|cli)/` },
    })),
    below("operations", [...roles, "cli"]),
    below("languages", [...roles, "operations", "cli"]),
    below("series", [...roles, "operations", "cli", "languages"]),
    below("storage", [...roles, "operations", "cli", "languages", "series"]),
    below("database", [...roles, "operations", "cli", "languages", "series", "storage", "redis"]),
    below("redis", [...roles, "operations", "cli", "languages", "series", "storage", "database"]),
    below("runtime", [...roles, "operations", "cli", "languages", "series", "storage", "database", "redis"]),
    below("config", [...roles, "operations", "cli", "languages", "series", "storage", "database", "redis", "runtime"]),
    { name: "web-imports-nothing-from-src", severity: "error", from: { path: "^web/" }, to: { path: "^src/" } },
    { name: "src-imports-nothing-from-web", severity: "error", from: { path: "^src/" }, to: { path: "^web/" } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "\\.test\\.tsx?$" },
  },
};
