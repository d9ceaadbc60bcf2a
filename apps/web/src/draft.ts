import { useState } from "react";
import { recall, remember } from "./storage.ts";

const keyOf = (name: string): string => `draft.${name}`;
const keep = (key: string, text: string): void => remember(key, text === "" ? null : text, "sessionStorage");

/** Keeps a text under a name, for whoever asks for it next; the empty one forgets. */
export const keepDraft = (name: string, text: string): void => keep(keyOf(name), text);

/**
 * Text that somebody is typing: kept for this tab under a name, so that neither a reload nor
 * a page left and come back to loses it.
 */
export function useDraft(name: string, initial = ""): [string, (text: string) => void] {
  const key = keyOf(name);
  const [state, setState] = useState({ key, text: recall(key, "sessionStorage") ?? initial });
  // Another name: another text, from now on.
  if (state.key !== key) setState({ key, text: recall(key, "sessionStorage") ?? initial });
  const set = (text: string): void => {
    setState({ key, text });
    keep(key, text);
  };
  return [state.key === key ? state.text : "", set];
}
