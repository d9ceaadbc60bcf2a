import type { TestProject } from "vitest/node";
import { createPostgresServer } from "./support/postgres-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Without a database name: `postgres://…:port/`. */
    postgresUrl: string;
  }
}

/** One real PostgreSQL for the whole run; each test makes its own database in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await createPostgresServer();
  await postgres.start();
  project.provide("postgresUrl", postgres.url);
  return postgres.remove;
}
