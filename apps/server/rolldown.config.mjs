// The console and its command line in few files: reading hundreds takes longer than all else at a start.
/** @type {import("rolldown").RolldownOptions} */
export default {
  input: { main: "src/main.ts", cli: "src/cli/main.ts", serve: "src/serve.ts" },
  platform: "node",
  // They look for files of their own beside them.
  external: [/^@secretlint\//, "pino"],
  // Of a package that comes in both forms the one for bundlers; the other looks for its files at run time.
  resolve: { mainFields: ["module", "main"] },
  onLog(level, log, handle) {
    // Else it is built, and fails when it is run.
    if (log.code === "UNRESOLVED_IMPORT") throw new Error(log.message);
    handle(level, log);
  },
  output: { format: "esm", entryFileNames: "[name].js", comments: { legal: true } },
};
