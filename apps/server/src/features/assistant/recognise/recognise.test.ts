import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { type Example, exampleConfiguration, examples as ownExamples } from "./examples.ts";
import { unseenExamples } from "./examples-unseen.ts";
import { recognise } from "./recognise.ts";
import { slugOf, typos } from "./tokens.ts";
import { readDuration, readNumber } from "./values.ts";

const understand = ({ says }: Example) => {
  const recognised = recognise(says, exampleConfiguration);
  return recognised.kind === "request" ? recognised : { intent: null, fields: {} };
};

const examples = [...ownExamples, ...unseenExamples];

describe("the table of examples", () => {
  const share = (right: number, of: number): number => right / of;

  it("has at least 120 sentences, each once, in both languages", () => {
    expect(examples.length).toBeGreaterThanOrEqual(120);
    expect(new Set(examples.map(({ says }) => says)).size).toBe(examples.length);
  });

  it("is understood: intent in 95 of 100, all fields in 90 of 100", () => {
    const wrongIntent = examples.filter((example) => understand(example).intent !== example.intent);
    const requests = examples.filter(({ intent }) => intent !== null);
    const wrongFields = requests.filter(
      (example) => !isDeepStrictEqual(understand(example).fields, example.fields),
    );
    const report = [...wrongIntent, ...wrongFields].map(
      (each) => `${each.says} → ${JSON.stringify(understand(each))}`,
    );
    expect(share(wrongIntent.length, examples.length), report.join("\n")).toBeLessThanOrEqual(0.05);
    expect(share(wrongFields.length, requests.length), report.join("\n")).toBeLessThanOrEqual(0.1);
  });

  it.each(examples.filter(({ intent }) => intent === null))(
    "takes no question for a change: $says",
    (example) => {
      expect(understand(example).intent).toBeNull();
    },
  );
});

describe("values", () => {
  it.each([
    ["1000", 1000],
    ["1.000", 1000],
    ["1,000", 1000],
    ["1.000,50", 1000.5],
    ["1,000.50", 1000.5],
    ["0,25", 0.25],
    ["1.5", 1.5],
    ["US$ 2 mil", 2000],
    ["$1k", 1000],
    ["20%", 0.2],
    ["dois", 2],
    ["nothing", null],
  ])("reads the number %s", (text, value) => expect(readNumber(text)).toBe(value));

  it.each([
    ["48h", "48h"],
    ["24 hours", "24h"],
    ["3 dias", "3d"],
    ["90 minutos", "90m"],
    ["soon", null],
  ])("reads the time %s", (text, value) => expect(readDuration(text)).toBe(value));

  it("counts a swap of neighbours as one slip", () => {
    expect([typos("agnet", "agent", 1), typos("agentt", "agent", 1), typos("ag", "agent", 1)]).toEqual([
      1, 1, 2,
    ]);
  });

  it("makes names of words", () => {
    expect(slugOf(" Gestão de Contratos! ")).toBe("gestao-de-contratos");
  });
});
