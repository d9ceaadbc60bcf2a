import type { TestProject } from "vitest/node";
import { ensureServerBuilt } from "../../../scripts/ensure.mjs";
import { ensureBubblewrap } from "./support/bubblewrap.ts";
import { createPostgresServer } from "./support/postgres-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Without a database name: `postgres://…:port/`. */
    postgresUrl: string;
    /** The folder that the server is built to. */
    serverBuild: string;
  }
}

/** The console as it is built, and one real PostgreSQL for the whole run; each test makes its own database in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  ensureBubblewrap();
  project.provide("serverBuild", ensureServerBuilt());
  const postgres = await createPostgresServer();
  await postgres.start();
  project.provide("postgresUrl", postgres.url);
  return postgres.remove;
}
