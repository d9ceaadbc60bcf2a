import { type Text, text } from "@ciclo/contract";
import type { z } from "zod";
import type { Actor } from "../../../domain/actor.ts";
import { Refusal } from "../../../errors.ts";
import type { Finding } from "../artifacts/check.ts";

/** Asks the model of a phase. */
export type AskModel = <T>(asked: {
  actor: Actor;
  phase: string;
  run: string;
  instructions: string;
  prompt: string;
  /** Beside the prompt. */
  images: readonly Image[];
  schema: z.ZodType<T>;
  signal: AbortSignal;
}) => Promise<{ value: T; model: string }>;

export type Image = { mediaType: string; bytes: Buffer };

export type Question<T> = {
  actor: Actor;
  phase: "analyzer" | "planner" | "doc";
  run: string;
  instructions: string;
  /** The parts of the prompt, each under its heading. */
  parts: readonly (readonly [heading: string, text: string])[];
  images?: readonly Image[];
  schema: z.ZodType<T>;
  check(value: T): Finding[];
  /** How often it may be asked. */
  tries: number;
  signal: AbortSignal;
};

/**
 * Asks a model until its answer holds: what the check finds goes back to it with its answer. Throws a `Refusal`
 * (`upstream_failed`) where it does not hold in the end.
 */
export async function askUntilRight<T>(
  ask: AskModel,
  { parts, images = [], check, tries, ...question }: Question<T>,
): Promise<{ value: T; model: string; tries: number }> {
  let again: readonly (readonly [string, string])[] = [];
  for (let turn = 1; ; turn += 1) {
    const prompt = [...parts, ...again].map(([heading, said]) => `## ${heading}\n\n${said}`).join("\n\n");
    const { value, model } = await ask({ ...question, images, prompt });
    const findings = check(value);
    if (findings.length === 0) return { value, model, tries: turn };
    if (turn >= tries) throw notRight(question.phase, findings, turn);
    const wrong = findings.map(({ path, message }) => `- ${path}: ${message.en}`).join("\n");
    again = [
      ["Your answer before", JSON.stringify(value)],
      ["What is wrong with it", `${wrong}\n\nAnswer again, in full, with all of this mended.`],
    ];
  }
}

const mostNamed = 10;

function notRight(phase: string, findings: readonly Finding[], tries: number): Refusal {
  const said = (language: keyof Text): string =>
    findings
      .slice(0, mostNamed)
      .map(({ path, message }) => `${path}: ${message[language]}`)
      .join("; ");
  return new Refusal(
    "upstream_failed",
    text(
      `The model for ${phase} was asked ${tries} times, and its answer still does not hold: ${said("en")}. Resume to ask again, with a comment that helps it, or have another model asked (policies/cost.yaml)`,
      `O modelo de ${phase} foi consultado ${tries} vezes, e sua resposta ainda não se sustenta: ${said("pt-BR")}. Retome para perguntar de novo, com um comentário que o ajude, ou use outro modelo (policies/cost.yaml)`,
    ),
  );
}
