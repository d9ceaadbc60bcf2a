import { type Text, text } from "@ciclo/contract";
import { budgetField, budgetFile } from "../../../domain/agent-budgets.ts";
import { notFound, Refusal } from "../../../errors.ts";
import type { Meter } from "./bindings.ts";
import type { StoredPause } from "./pause-store.ts";

const whereOf = ({ policy, meter }: StoredPause): string =>
  `${budgetFile(policy)}, ${budgetField(policy, (JSON.parse(meter) as { meter: Meter }).meter.limit)}`;

function amountsOf({ unit, spent, of_amount: most }: StoredPause): { spent: string; of: string } {
  const said = (amount: number): string =>
    unit === "tokens" ? `${amount} tokens` : `${Number((amount / 1e9).toPrecision(6))} USD`;
  return { spent: said(spent), of: said(most) };
}

export const refusePaused = (said: Text): Refusal => new Refusal("budget_exceeded", said, { quiet: true });

/** Of a run that waits; of one that nobody is asked about, since too many wait already. */
export function pausedText(pause: StoredPause, decidedAt: string, isUnasked: boolean): Text {
  const { spent, of } = amountsOf(pause);
  const { run, id } = pause;
  const head = text(
    `${whereOf(pause)}: ${spent} of ${of} are spent, and the run ${run} is paused.`,
    `${whereOf(pause)}: ${spent} de ${of} foram gastos, e a execução ${run} está pausada.`,
  );
  return isUnasked
    ? text(
        `${head.en} Nobody is asked: so many runs of ${pause.actor_name} have paused today that an approver has to decide on some first: ${decidedAt}`,
        `${head["pt-BR"]} Ninguém é perguntado: tantas execuções de ${pause.actor_name} pausaram hoje que um approver precisa antes decidir sobre algumas: ${decidedAt}`,
      )
    : text(
        `${head.en} An approver raises its limit, re-routes it or stops it: ${decidedAt}, or ciclo run-pause raise ${id} AMOUNT`,
        `${head["pt-BR"]} Um approver aumenta o limite dela, a desvia ou a encerra: ${decidedAt}, ou ciclo run-pause raise ${id} VALOR`,
      );
}

export const stoppedText = ({ run, decided_by: by, decided_at: at }: StoredPause): Text =>
  text(
    `The run ${run} was stopped by ${by ?? "—"} at ${at ?? "—"}. Start another run`,
    `A execução ${run} foi encerrada por ${by ?? "—"} em ${at ?? "—"}. Inicie outra execução`,
  );

export const reroutedText = ({ run, to_model: model, decided_by: by }: StoredPause): Text =>
  text(
    `The calls of the run ${run} go to the model ${model ?? "—"}, as ${by ?? "—"} decided; this one cannot`,
    `As chamadas da execução ${run} vão para o modelo ${model ?? "—"}, por decisão de ${by ?? "—"}; esta não pode ir`,
  );

export const underWayText = ({ run }: StoredPause): Text =>
  text(
    `What the run ${run} may spend beyond its budget is set aside for calls under way. Try again when they have ended`,
    `O que a execução ${run} pode gastar além do orçamento está reservado para chamadas em andamento. Tente de novo quando terminarem`,
  );

const notSo = (said: Text): Refusal => new Refusal("invalid_payload", said);

export const otherProvider = (model: string, provider: string): Refusal =>
  notSo(
    text(
      `${provider} is not asked for ${model}: policies/models.yaml says who is. A run is sent to models of the same provider alone`,
      `${provider} não é consultado por ${model}: policies/models.yaml diz quem é. Uma execução só é desviada para modelos do mesmo provedor`,
    ),
  );

export const noPrice = (model: string, provider: string): Refusal =>
  notSo(
    text(
      `${model} of ${provider} has no price, so no budget in dollars could count it. Plan a row in policies/prices.yaml first`,
      `${model} de ${provider} não tem preço, então nenhum orçamento em dólares o contaria. Planeje antes uma linha em policies/prices.yaml`,
    ),
  );

export const notForUser = (model: string, { actor_name: name }: StoredPause): Refusal =>
  notSo(
    text(
      `policies/access.yaml does not let ${name} use ${model}, so the run's calls would be refused`,
      `policies/access.yaml não permite que ${name} use ${model}, então as chamadas da execução seriam recusadas`,
    ),
  );

export const tooLittle = (): Refusal =>
  notSo(text("The amount is less than one token", "A quantia é menos que um token"));

export const unknownPause = (id: string): Refusal =>
  notFound(
    `No paused run ${id}. See: ciclo run-pause list`,
    `Não há execução pausada ${id}. Veja: ciclo run-pause list`,
  );

export const alreadyDecided = ({
  run,
  state,
  current,
  decided_by: by,
  decided_at: at,
}: StoredPause): Refusal =>
  new Refusal(
    "already_decided",
    by === null || (current === null && state !== "stopped")
      ? text(
          `The run ${run} has paused again since, under another id. See: ciclo run-pause list`,
          `A execução ${run} pausou de novo depois, com outro id. Veja: ciclo run-pause list`,
        )
      : text(
          `${by} has decided on the run ${run} already (${state}, ${at ?? "—"})`,
          `${by} já decidiu sobre a execução ${run} (${state}, ${at ?? "—"})`,
        ),
  );

export const goesOn = ({ run }: StoredPause): Refusal =>
  new Refusal(
    "already_decided",
    text(
      `The run ${run} does not wait any more: its budget has room again, or no longer asks`,
      `A execução ${run} não espera mais: o orçamento dela tem saldo de novo, ou não pergunta mais`,
    ),
  );

export const selfDecision = (): Refusal =>
  new Refusal(
    "self_approval",
    text(
      "The run acts as you: another approver has to decide. You may stop it",
      "A execução age em seu nome: outro approver precisa decidir. Você pode encerrá-la",
    ),
  );

export const rerouteTool = (): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      "The run called a tool, which no other model replaces. Raise its limit, or stop it",
      "A execução chamou uma ferramenta, que outro modelo não substitui. Aumente o limite dela ou a encerre",
    ),
  );

export const countsToo = (model: string, pause: StoredPause): Refusal =>
  new Refusal(
    "invalid_payload",
    text(
      `${whereOf(pause)} counts the calls of ${model} too, so the run would stay paused. Say how much it may spend there: amount`,
      `${whereOf(pause)} também conta as chamadas de ${model}, então a execução continuaria pausada. Diga quanto ela pode gastar lá: amount`,
    ),
  );
