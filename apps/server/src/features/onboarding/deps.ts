import type { Locale, Planned, RegistryServer, Text, Validation } from "@ciclo/contract";
import type { LocalFieldError } from "../../errors.ts";
import type { Actor } from "../../domain/actor.ts";
import type { StepReport, LiveServer, HandshakeResult } from "../../domain/servers.ts";
import type { PlanInput } from "../../domain/plans.ts";

export type OnboardingDeps = {
  plan(actor: Actor, input: PlanInput): Promise<Planned>;
  /** With a server that nobody has approved. `reveal` hands out the keys of its references. */
  handshake(
    actor: Actor,
    server: RegistryServer,
    reveal: (reference: string) => Promise<string>,
    on: { onStep(step: StepReport): void },
  ): Promise<HandshakeResult>;
  presentValidation(steps: readonly StepReport[], found: HandshakeResult | null, locale: Locale): Validation;
  findServer(id: string): LiveServer | undefined;
  refuseUnknownServer(id: string): never;
  /** Keeps keys that came with a plan until that is submitted. */
  offerKeys(
    actor: Actor,
    planId: string,
    keys: readonly { provider: string; name: string; value: string }[],
  ): Promise<void>;
  /** The value in use of a reference. Throws a `Refusal` where there is none. */
  revealKey(reference: string): Promise<string>;
  hasKey(reference: string): Promise<boolean>;
  /** Servers of the live configuration. */
  registered(): readonly RegistryServer[];
  /** What may not be written of a registry entry: forbidden variables, credentials in its arguments or address. */
  serverProblems(server: RegistryServer): LocalFieldError[];
  /** Why the policies that are live do not let a server be reached; null where they do. */
  policyProblem(server: RegistryServer): Promise<Text | null>;
  findSecrets(texts: ReadonlyMap<string, string | null>): Promise<LocalFieldError[]>;
};
