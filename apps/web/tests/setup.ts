import { afterAll, afterEach } from "vitest";
import { closePages, putPagesBack } from "./support/browser.ts";

/** Runs for every test file, whichever process it is in. */
afterEach(({ task }) => putPagesBack(task));
afterAll(closePages);
