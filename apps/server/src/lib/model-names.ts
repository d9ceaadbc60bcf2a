import { posix } from "node:path";
import type { ModelDialect, PolicyOf } from "@ciclo/contract";

type Provider = PolicyOf<"models">["providers"][number];

/** Whether a pattern of a policy, such as `gpt-*`, is of a model. Pure. */
export const matchesModel = (model: string, pattern: string): boolean =>
  pattern === "*" || pattern === model || posix.matchesGlob(model, pattern);

/** The provider that is asked for a model: the first of its dialect that has it; any of them where no model is named. Pure. */
export const routeOf = (
  providers: readonly Provider[],
  dialect: ModelDialect,
  model: string | null,
): Provider | undefined =>
  providers.find(
    (one) =>
      one.dialect === dialect &&
      (model === null || one.models.some((pattern) => matchesModel(model, pattern))),
  );
