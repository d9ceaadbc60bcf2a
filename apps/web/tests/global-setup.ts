import type { TestProject } from "vitest/node";
import { chromiumPath } from "./support/chromium.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The Chromium that browser tests drive. */
    chromiumPath: string;
  }
}

export default function setup(project: TestProject): void {
  project.provide("chromiumPath", chromiumPath());
}
