import { crashes } from "./crash.testsuite.ts";

crashes("SQLite", () => Promise.resolve({}), 0);
