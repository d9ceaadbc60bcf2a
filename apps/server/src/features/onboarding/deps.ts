import type { Locale, Planned, RegistryServer, Validation } from "@ciclo/contract";
import type { LocalFieldError } from "../../errors.ts";
import type { Actor } from "../../lib/actor.ts";
import type { Step } from "../servers/connect.ts";
import type { LiveServer } from "../servers/fleet.ts";
import type { Shaken } from "../servers/service.ts";

export type PlanInput = { intent: string; payload: unknown; threadId?: string | undefined; locale: Locale };

export type OnboardingDeps = {
  plan(actor: Actor, input: PlanInput): Promise<Planned>;
  handshake(
    server: RegistryServer,
    values: Readonly<Record<string, string>>,
    on: { onStep(step: Step): void },
  ): Promise<Shaken>;
  presentValidation(steps: readonly Step[], found: Shaken | null, locale: Locale): Validation;
  findServer(id: string): LiveServer | undefined;
  refuseUnknownServer(id: string): never;
  addKey(actor: Actor, key: { provider: string; name: string; value: string }): Promise<unknown>;
  /** The value in use of a reference. Throws a `Refusal` where there is none. */
  revealKey(reference: string): Promise<string>;
  hasKey(reference: string): Promise<boolean>;
  /** Servers of the live configuration. */
  registered(): readonly RegistryServer[];
  findSecrets(texts: ReadonlyMap<string, string | null>): Promise<LocalFieldError[]>;
};
