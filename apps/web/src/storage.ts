/** What this browser remembers. A browser that forbids storage remembers nothing, and all else works. */
type Area = "localStorage" | "sessionStorage";

export function recall(name: string, area: Area = "localStorage"): string | null {
  try {
    return window[area].getItem(`ciclo.${name}`);
  } catch {
    return null;
  }
}

/** Null forgets. */
export function remember(name: string, value: string | null, area: Area = "localStorage"): void {
  try {
    if (value === null) window[area].removeItem(`ciclo.${name}`);
    else window[area].setItem(`ciclo.${name}`, value);
  } catch {
    // Full or forbidden: see above.
  }
}
