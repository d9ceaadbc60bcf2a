import type { PauseDecision, RunPause } from "@ciclo/contract";
import { connect } from "./client.ts";
import { type Command, command, option, UsageError, type Values } from "./command.ts";

const amount = ({ unit }: RunPause, value: number): string =>
  unit === "usd" ? `${value} USD` : `${value} tokens`;

const line = (pause: RunPause): string =>
  [
    pause.id,
    pause.run,
    pause.user.name,
    `${amount(pause, pause.spent)} of ${amount(pause, pause.of)} (${pause.file}, ${pause.field})`,
    pause.state,
    ...(pause.amount === null ? [] : [`${amount(pause, pause.amount)} more`]),
    ...(pause.to_model === null ? [] : [`to ${pause.to_model}`]),
    ...(pause.decided_by === null ? [] : [`by ${pause.decided_by}`]),
  ].join("  ");

function amountOf(said: string): number {
  const value = Number(said);
  if (!/^\d+(?:\.\d+)?$/.test(said) || !(value > 0))
    throw new UsageError(`${said} is no amount: write dollars or tokens, as the budget counts them: 2.50`);
  return value;
}

const decide = (id: string, body: PauseDecision): Promise<RunPause> =>
  connect().call("decideRunPause", { params: { id }, body });

const noted = (values: Values): { note?: string } => {
  const note = option(values, "note");
  return note === undefined ? {} : { note };
};
const note = { note: { type: "string" as const } };

export const runPauseCommands: Command[] = [
  command({
    name: "run-pause list",
    usage: "ciclo run-pause list",
    summary:
      "Runs that used up a budget and wait for an approver, and what was decided in the last seven days.",
    examples: ["ciclo run-pause list"],
    takes: { min: 0, max: 0 },
    run: () => connect().call("listRunPauses"),
    show: ({ items }) => (items.length === 0 ? ["No paused runs"] : items.map(line)),
  }),
  command({
    name: "run-pause raise",
    usage: "ciclo run-pause raise ID AMOUNT [--note TEXT]",
    summary:
      "Let a paused run spend so much beyond its limit, in dollars or tokens as its budget counts, within seven days. The budget itself stays. A second raise takes the place of the first.",
    examples: [
      'ciclo run-pause raise 0f8fad5b-d9cb-469f-a165-70867728950e 2.50 --note "the release waits for it"',
    ],
    options: note,
    takes: { min: 2, max: 2 },
    run: ({ positionals: [id = "", more = ""], values }) =>
      decide(id, { decision: "raise", amount: amountOf(more), ...noted(values) }),
    show: (pause) => [line(pause)],
  }),
  command({
    name: "run-pause reroute",
    usage: "ciclo run-pause reroute ID MODEL [--amount AMOUNT] [--note TEXT]",
    summary:
      "Send a paused run's calls to another model of the same provider, which has a price. With an amount where the budget counts that model's calls too.",
    examples: ["ciclo run-pause reroute 0f8fad5b-d9cb-469f-a165-70867728950e gpt-5.2-mini --amount 1"],
    options: { ...note, amount: { type: "string" } },
    takes: { min: 2, max: 2 },
    run({ positionals: [id = "", model = ""], values }) {
      const more = option(values, "amount");
      const extra = more === undefined ? {} : { amount: amountOf(more) };
      return decide(id, { decision: "reroute", model, ...extra, ...noted(values) });
    },
    show: (pause) => [line(pause)],
  }),
  command({
    name: "run-pause stop",
    usage: "ciclo run-pause stop ID [--note TEXT]",
    summary: "Stop a run: its tokens end at once, and it gets no other for seven days.",
    examples: ["ciclo run-pause stop 0f8fad5b-d9cb-469f-a165-70867728950e"],
    options: note,
    takes: { min: 1, max: 1 },
    run: ({ positionals: [id = ""], values }) => decide(id, { decision: "stop", ...noted(values) }),
    show: (pause) => [line(pause)],
  }),
];
