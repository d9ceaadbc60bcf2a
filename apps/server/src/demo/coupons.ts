import { type Locale, type Text, text } from "@ciclo/contract";

/** The repository that the replay works on: a few lines of a shop, with a fault that its tests do not notice. */

const source = `/** What an order costs, in cents. A coupon takes its percentage off the order. */
export function totalOf(lines, coupon = { percent: 0 }) {
  let total = 0;
  for (const { cents, quantity } of lines) {
    total += cents * quantity;
    total -= Math.round((total * coupon.percent) / 100);
  }
  return total;
}
`;

export const mendedSource = `/** What an order costs, in cents. A coupon takes its percentage off the order, once, and never more than all of it. */
export function totalOf(lines, coupon = { percent: 0 }) {
  const full = lines.reduce((sum, { cents, quantity }) => sum + cents * quantity, 0);
  const percent = Math.min(coupon.percent, 100);
  return full - Math.round((full * percent) / 100);
}
`;

const head = `import assert from "node:assert/strict";
import { test } from "node:test";
import { totalOf } from "../src/order.js";

test("adds the lines of an order up", () => {
  assert.equal(totalOf([{ cents: 1000, quantity: 2 }, { cents: 50, quantity: 1 }]), 2050);
});

test("takes a coupon off an order of one line", () => {
  assert.equal(totalOf([{ cents: 1000, quantity: 1 }], { percent: 10 }), 900);
});
`;

/** A test that is green with the fault as well: what an agent in a hurry writes. */
export const weakTests = `${head}
test("takes a coupon off once [T1]", () => {
  assert.equal(totalOf([{ cents: 1000, quantity: 3 }], { percent: 10 }), 2700);
});

test("a coupon over 100 % makes an order free [T2]", () => {
  assert.equal(totalOf([{ cents: 1000, quantity: 1 }], { percent: 120 }), 0);
});
`;

export const rightTests = `${head}
test("takes a coupon off once [T1]", () => {
  const line = { cents: 1000, quantity: 1 };
  assert.equal(totalOf([line, line, line], { percent: 10 }), 2700);
});

test("a coupon over 100 % makes an order free [T2]", () => {
  assert.equal(totalOf([{ cents: 1000, quantity: 1 }], { percent: 120 }), 0);
});
`;

export const coupons: ReadonlyMap<string, string> = new Map([
  ["README.md", "# coupons\n\nWhat orders cost, and what coupons take off.\n"],
  [
    "package.json",
    `${JSON.stringify({ name: "coupons", version: "1.0.0", private: true, type: "module" }, null, 2)}\n`,
  ],
  ["CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-03-02\n\n### Added\n\n- Coupons.\n"],
  [".ciclo/cycle.yaml", "version: 1\nlint: node --check src/order.js\ntest: node --test\n"],
  ["src/order.js", source],
  ["test/order.test.js", head],
]);

const issues: Text = text(
  `# Coupons are taken off several times

An order of three lines of 10.00 with a coupon of 10 % costs 24.39. It should cost 27.00: a coupon is for the order, once.

A coupon of 120 % even makes the total negative. Such an order is free.
`,
  `# Cupons são descontados várias vezes

Um pedido de três itens de 10,00 com um cupom de 10 % custa 24,39. Deveria custar 27,00: um cupom vale para o pedido, uma vez.

Um cupom de 120 % torna o total até negativo. Um pedido assim é gratuito.
`,
);

export const issueIn = (locale: Locale): string => issues[locale];

/** What the reviewer says of the first plan. */
const comments: Text = text(
  "Write the tests first, as a part of its own: we want to see them fail before the fix.",
  "Escreva os testes primeiro, como uma parte própria: queremos vê-los falhar antes da correção.",
);

export const commentIn = (locale: Locale): string => comments[locale];
