import type { Analysis, DeliveryPlan, Documentation, Locale } from "@ciclo/contract";
import { mendedSource, rightTests, weakTests } from "./coupons.ts";

/** A tool call of the agent's model: what its name says, with these arguments. */
export type ToolCall = { name: "write_file" | "run"; arguments: Record<string, string> };
export type Reply = { content: string; calls?: readonly ToolCall[] };

/** The models of the replay, by the phase that asks them. */
export const replayModels = {
  analyzer: "replay-analyst",
  planner: "replay-planner",
  executor: "replay-engineer",
  doc: "replay-writer",
} as const;

/** What is said of a request: a reply hangs on that alone, so that it is the same after a crash. */
export type Asked = {
  /** Whether a person, or a gate, wants an earlier answer to be mended. */
  again: boolean;
  /** Whether the plan has the whole of the work as one part. */
  isWhole: boolean;
  /** How many prompts the conversation has, and how many answers since the last of them. */
  turn: number;
  step: number;
};

type Say = (en: string, ptBR: string) => string;

export function repliesIn(locale: Locale): Record<string, (asked: Asked) => Reply> {
  const say: Say = (en, ptBR) => (locale === "en" ? en : ptBR);
  const json = (value: unknown): Reply => ({ content: JSON.stringify(value) });
  return {
    [replayModels.analyzer]: () => json(analysisIn(say)),
    [replayModels.planner]: ({ again }) => json(planIn(say, again)),
    [replayModels.doc]: () => json(documentationIn(say)),
    [replayModels.executor]: (asked) => workIn(say, asked),
  };
}

const analysisIn = (say: Say): Analysis => ({
  quick_spec: {
    title: say("A coupon is taken off an order once", "Um cupom é descontado do pedido uma vez"),
    summary: say(
      "totalOf takes the coupon off after each line of an order, and never stops at zero.",
      "totalOf desconta o cupom depois de cada item do pedido e nunca para em zero.",
    ),
    goals: [say("Orders with a coupon cost what they should", "Pedidos com cupom custam o que devem")],
    non_goals: [say("Coupons for single products", "Cupons de produtos isolados")],
    requirements: [
      {
        id: "R1",
        text: say("A coupon is taken off the order once", "Um cupom é descontado do pedido uma vez"),
        priority: "must",
        acceptance: [
          say(
            "Three lines of 10.00 with a coupon of 10 % cost 27.00",
            "Três itens de 10,00 com um cupom de 10 % custam 27,00",
          ),
        ],
      },
      {
        id: "R2",
        text: say("An order never costs less than nothing", "Um pedido nunca custa menos que zero"),
        priority: "must",
        acceptance: [say("A coupon of 120 % makes it free", "Um cupom de 120 % o torna gratuito")],
      },
    ],
    open_questions: [],
  },
  test_plan: {
    cases: [
      {
        id: "T1",
        title: say("A coupon on several lines", "Um cupom em vários itens"),
        requirements: ["R1"],
        kind: "unit",
        given: say("three lines of 10.00", "três itens de 10,00"),
        when: say("a coupon of 10 % is used", "se usa um cupom de 10 %"),
        outcome: "27.00",
      },
      {
        id: "T2",
        title: say("A coupon over 100 %", "Um cupom acima de 100 %"),
        requirements: ["R2"],
        kind: "unit",
        given: say("one line of 10.00", "um item de 10,00"),
        when: say("a coupon of 120 % is used", "se usa um cupom de 120 %"),
        outcome: "0.00",
      },
    ],
  },
  risks: {
    risks: [
      {
        id: "K1",
        title: say("Cents", "Centavos"),
        effect: say(
          "An order may cost a cent more or less than before: it is rounded once now.",
          "Um pedido pode custar um centavo a mais ou a menos: agora se arredonda uma vez.",
        ),
      },
    ],
  },
});

/** The first plan does all in one part; the second, behind the reviewer's comment, writes the tests first. */
const planIn = (say: Say, again: boolean): DeliveryPlan => ({
  work_breakdown: { items: again ? dividedWork(say) : [wholeWork(say)] },
  checkpoints: { checkpoints: [] },
  definitions: {
    ready: [
      {
        text: say("The tests pass before the work begins", "Os testes passam antes do trabalho"),
        verified_by: { check: "base_gate_passes", gate: "test" },
      },
    ],
    done: [
      {
        text: say("R1 is shown by a test", "R1 é mostrado por um teste"),
        verified_by: { check: "requirement_tested", requirement: "R1" },
      },
      {
        text: say("R2 is shown by a test", "R2 é mostrado por um teste"),
        verified_by: { check: "requirement_tested", requirement: "R2" },
      },
      {
        text: say("Nothing else is touched", "Nada mais é tocado"),
        verified_by: {
          check: "only_changes",
          paths: ["src/order.js", "test/**", "docs/**", "CHANGELOG.md"],
        },
      },
    ],
  },
  risk_matrix: {
    entries: [
      {
        risk: "K1",
        probability: 2,
        impact: 2,
        mitigation: say("A line in the changelog says so.", "Uma linha no changelog diz isso."),
        owner: say("the team of the shop", "a equipe da loja"),
      },
    ],
  },
  repository_context: {
    files: [
      { path: "src/order.js", why: say("It has the fault.", "Tem a falha.") },
      { path: "test/order.test.js", why: say("It has the tests.", "Tem os testes.") },
    ],
  },
});

type Part = DeliveryPlan["work_breakdown"]["items"][number];
const part = { depends_on: [], requirements: ["R1", "R2"], test_cases: ["T1", "T2"] };

const wholeWork = (say: Say): Part => ({
  ...part,
  id: "1",
  title: say("Take the coupon off once", "Descontar o cupom uma vez"),
  description: say(
    "Add the lines up, then take the coupon off, 100 % at most. Test it.",
    "Somar os itens e então descontar o cupom, no máximo 100 %. Testar.",
  ),
  estimate_hours: 2,
});

const dividedWork = (say: Say): Part[] => [
  {
    ...part,
    id: "1",
    title: say("Tests of coupons", "Testes de cupons"),
    description: say(
      "Write the tests of T1 and T2. They fail with the code as it is.",
      "Escrever os testes de T1 e T2. Eles falham com o código como está.",
    ),
    estimate_hours: 1,
  },
  {
    ...part,
    id: "2",
    title: say("Take the coupon off once", "Descontar o cupom uma vez"),
    description: say(
      "Add the lines up, then take the coupon off, 100 % at most.",
      "Somar os itens e então descontar o cupom, no máximo 100 %.",
    ),
    depends_on: ["1"],
    estimate_hours: 1,
  },
];

const documentationIn = (say: Say): Documentation => ({
  changelog: [
    {
      section: "Fixed",
      entry: say(
        "A coupon is taken off the order once, not after each line, and never makes it cost less than nothing.",
        "Um cupom é descontado do pedido uma vez, não depois de cada item, e nunca o torna negativo.",
      ),
    },
  ],
  decision_record: {
    title: say("Orders are rounded once", "Pedidos são arredondados uma vez"),
    context: say(
      "A coupon leaves fractions of a cent. They used to be rounded line by line.",
      "Um cupom deixa frações de centavo. Elas eram arredondadas item por item.",
    ),
    decision: say(
      "The order is added up in whole cents, and what the coupon takes off is rounded once.",
      "O pedido é somado em centavos inteiros, e o desconto do cupom é arredondado uma vez.",
    ),
    consequences: say(
      "Some orders cost a cent more or less than before.",
      "Alguns pedidos custam um centavo a mais ou a menos.",
    ),
  },
  edits: [
    {
      path: "README.md",
      find: "What orders cost, and what coupons take off.",
      replace: `What orders cost, and what coupons take off.\n\n${say(
        "A coupon is taken off an order once, and never makes it cost less than nothing.",
        "Um cupom é descontado de um pedido uma vez, e nunca o torna negativo.",
      )}`,
    },
  ],
  pull_request: {
    type: "fix",
    title: say("take a coupon off an order once", "descontar um cupom do pedido uma vez"),
    body: say(
      "`totalOf` took the coupon off after each line. It adds the lines up first now, and stops at nothing.",
      "`totalOf` descontava o cupom depois de cada item. Agora soma os itens primeiro e para em zero.",
    ),
  },
});

/**
 * The agent's model. In its first run it writes a test of T1 that is green with the fault as well, and says that all is well; the
 * gates say otherwise, and it writes a right one.
 */
function workIn(say: Say, { again, isWhole, turn, step }: Asked): Reply {
  const write = (path: string, contents: string): ToolCall => ({
    name: "write_file",
    arguments: { path, contents },
  });
  const test: ToolCall = { name: "run", arguments: { command: "node --test" } };
  const tests = "test/order.test.js";
  const scenes: readonly (readonly Reply[])[] = again
    ? [
        [
          {
            content: say("T1 needs several lines.", "T1 precisa de vários itens."),
            calls: [write(tests, rightTests)],
          },
          { content: "", calls: [test] },
          {
            content: say(
              "The test of T1 fails without the change now.",
              "O teste de T1 agora falha sem a mudança.",
            ),
          },
        ],
      ]
    : [
        [
          {
            content: say("I write the tests of T1 and T2.", "Escrevo os testes de T1 e T2."),
            calls: [write(tests, weakTests)],
          },
          { content: say("Both tests are there.", "Os dois testes estão lá.") },
        ].slice(0, isWhole ? 1 : 2),
        [
          {
            content: say("Now the coupon.", "Agora o cupom."),
            calls: [write("src/order.js", mendedSource), test],
          },
          {
            content: say(
              "All done: both requirements are tested, and all tests are green.",
              "Pronto: os dois requisitos estão testados, e todos os testes estão verdes.",
            ),
          },
        ],
      ];
  // Where the whole of the work is one part, it is done in one turn.
  const played = isWhole ? [scenes.flat()] : scenes;
  return played[turn - 1]?.[step] ?? { content: say("There is nothing to do.", "Não há nada a fazer.") };
}
