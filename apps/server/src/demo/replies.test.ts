import { expect, it } from "vitest";
import { replayModels, repliesIn } from "./replies.ts";

it.each(["en", "pt-BR"] as const)(
  "the replay's agent does the whole of the work in one turn where the plan has it as one part, in %s",
  (locale) => {
    const reply = repliesIn(locale)[replayModels.executor];
    const step = (at: number) => reply?.({ again: false, isWhole: true, turn: 1, step: at });
    const written = [0, 1].flatMap((at) => step(at)?.calls?.map(({ arguments: said }) => said["path"]) ?? []);
    expect(written.filter((path) => path !== undefined)).toEqual(["test/order.test.js", "src/order.js"]);
    expect(step(2)?.calls).toBeUndefined();
  },
);
