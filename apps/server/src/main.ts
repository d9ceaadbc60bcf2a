import { enableCompileCache } from "node:module";

enableCompileCache();

// Loaded behind the line above, so that everything goes through the cache.
const { serveConsole } = await import("./serve.ts");
await serveConsole();
