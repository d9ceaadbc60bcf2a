import type { TestProject } from "vitest/node";
import { ensureServerBuilt } from "../../../scripts/ensure.mjs";
import { chromiumPath } from "./support/chromium.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The Chromium that browser tests drive. */
    chromiumPath: string;
    /** The folder that the server is built to. */
    serverBuild: string;
  }
}

export default function setup(project: TestProject): void {
  project.provide("serverBuild", ensureServerBuilt());
  project.provide("chromiumPath", chromiumPath());
}
