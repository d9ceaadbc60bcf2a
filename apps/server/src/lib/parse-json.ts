/** The value of a JSON text from elsewhere; undefined where it is no JSON. The parser's own words, which may quote a secret, are dropped. */
export function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
