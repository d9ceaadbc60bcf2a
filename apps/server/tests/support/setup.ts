import { afterAll } from "vitest";
import { closeAll } from "./closing.ts";

/** Runs for every test file, whichever process it is in. */
afterAll(closeAll);
