import { AsyncLocalStorage } from "node:async_hooks";
import { expect, it } from "vitest";
import { EventBus } from "./events.ts";
import type { Logger } from "./logger.ts";

it("tells every listener outside the publisher's context, waits for them, and logs what one throws", async () => {
  const context = new AsyncLocalStorage<string>();
  const logged: unknown[] = [];
  const bus = new EventBus({ error: (facts: unknown) => void logged.push(facts) } as unknown as Logger);
  const seen: string[] = [];
  bus.on("change.ended", () => Promise.reject(new Error("no")));
  bus.on("change.ended", async ({ planId }) => {
    await Promise.resolve();
    seen.push(`${planId} ${context.getStore() ?? "nobody"}`);
  });
  await context.run("a request", () => bus.publish("change.ended", { planId: "plan" }));
  expect(seen).toEqual(["plan nobody"]);
  expect(logged).toMatchObject([{ event: "change.ended" }]);
  await bus.publish("keys.changed");
});
