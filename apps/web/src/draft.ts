import { useCallback, useState } from "react";
import { recall, remember } from "./storage.ts";

/**
 * Text that somebody is typing: kept for this tab under a name, so that neither a reload nor
 * a page left and come back to loses it.
 */
export function useDraft(name: string, initial = ""): [string, (text: string) => void] {
  const key = `draft.${name}`;
  const [state, setState] = useState({ key, text: recall(key, "sessionStorage") ?? initial });
  // Another name: another text, from now on.
  if (state.key !== key) setState({ key, text: recall(key, "sessionStorage") ?? initial });
  const set = useCallback(
    (text: string) => {
      setState({ key, text });
      remember(key, text === "" ? null : text, "sessionStorage");
    },
    [key],
  );
  return [state.key === key ? state.text : "", set];
}
