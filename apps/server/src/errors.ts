import { permissions, type Permission, type ProblemCode, type Role, type Text, text } from "@ciclo/contract";

/**
 * An expected failure, with what to do about it in both languages.
 * `mount.ts` turns it into `application/problem+json`; the command line into one line.
 */
export class Refusal extends Error {
  readonly code: ProblemCode;
  readonly detail: Text;
  readonly errors: readonly LocalFieldError[];
  /** Seconds, sent as `Retry-After`. */
  readonly retryAfter: number | undefined;
  /** One of a flood: not worth an audit record of its own. */
  readonly quiet: boolean;

  constructor(
    code: ProblemCode,
    detail: Text,
    options: {
      errors?: readonly LocalFieldError[];
      retryAfter?: number;
      quiet?: boolean;
      cause?: unknown;
    } = {},
  ) {
    super(detail.en, { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.errors = options.errors ?? [];
    this.retryAfter = options.retryAfter;
    this.quiet = options.quiet ?? false;
  }
}

/** A handshake that has to wait until somebody has approved the server. It can be planned without. */
export class NotBeforeApproval extends Refusal {}

/**
 * Refuses a call of a run that somebody has sent to another model. Whoever can ask that one does; to all others it is a refusal
 * like any.
 */
export class Rerouted extends Refusal {
  readonly model: string;

  constructor(model: string, detail: Text) {
    super("budget_exceeded", detail, { quiet: true });
    this.model = model;
  }
}

/** A field's path with what is wrong there, before a language is chosen. */
export type LocalFieldError = { path: string; message: Text };

export const fieldError = (path: string, en: string, ptBR: string): LocalFieldError => ({
  path,
  message: text(en, ptBR),
});

export const notFound = (en: string, ptBR: string): Refusal => new Refusal("not_found", text(en, ptBR));

export const invalidPayload = (errors: readonly LocalFieldError[]): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      `Invalid fields: ${errors.map((error) => error.path).join(", ")}`,
      `Campos inválidos: ${errors.map((error) => error.path).join(", ")}`,
    ),
    { errors },
  );

/** What a run's token is told where people and their tools come in. */
export const onlyCalls = (): Refusal =>
  new Refusal(
    "insufficient_permission",
    text(
      "This is the token of a run: it calls models and tools, and nothing else. Use a user's token here",
      "Este é o token de uma execução: ele chama modelos e ferramentas, e nada mais. Use aqui o token de um usuário",
    ),
  );

/** Refusal that names the roles which would do. */
export function insufficientPermission(needed: readonly Permission[]): Refusal {
  const enough = [...new Set(needed.flatMap((permission): readonly Role[] => permissions[permission]))];
  return new Refusal(
    "insufficient_permission",
    text(
      `Insufficient permission. Requires: ${enough.join(" or ")}`,
      `Permissão insuficiente. Requer: ${enough.join(" ou ")}`,
    ),
  );
}
