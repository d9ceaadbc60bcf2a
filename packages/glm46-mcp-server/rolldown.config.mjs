/** One file of JavaScript: Node runs no TypeScript that stands below node_modules. */
export default {
  input: "src/main.ts",
  platform: "node",
  external: /^[^./]/,
  output: { file: "dist/main.js", format: "esm" },
};
