import { fileURLToPath } from "node:url";
import { getConfig } from "@lingui/conf";
import { lingui, linguiTransformerBabelPreset } from "@lingui/vite-plugin";
import babel from "@rolldown/plugin-babel";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { precompress } from "./build/precompress.ts";
import { weigh } from "./build/weigh.ts";
import { withoutSummaries } from "./build/without-summaries.ts";

const root = fileURLToPath(new URL(".", import.meta.url));
/** Where `npm run dev` finds the API. */
const api = "http://127.0.0.1:8787";

export default defineConfig({
  root,
  plugins: [
    withoutSummaries(),
    react(),
    babel({
      presets: [linguiTransformerBabelPreset({ linguiConfig: getConfig({ cwd: root }) }, { cwd: root })],
    }),
    lingui({ cwd: root, failOnMissing: true, failOnCompileError: true }),
    tailwindcss(),
    weigh({ limitKb: 180, firstPage: "/src/routes/home.tsx" }),
    precompress(),
  ],
  build: {
    target: "es2024",
    // The content security policy takes no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    emptyOutDir: true,
  },
  server: { host: "127.0.0.1", proxy: { "/api": api } },
});
