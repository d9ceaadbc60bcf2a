import { crashes } from "./crash.testsuite.ts";
import { newPostgresUrl } from "./support/databases.ts";

crashes("PostgreSQL", async () => ({ CICLO_DATABASE_URL: await newPostgresUrl() }), 1);
