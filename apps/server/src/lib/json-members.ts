/** A member of a JSON object: its name, and where in the text its value stands. */
export type Member = { name: string; from: number; to: number };

const [quote, backslash, colon, comma] = [0x22, 0x5c, 0x3a, 0x2c];
const opens = new Set([0x7b, 0x5b]);
const closes = new Set([0x7d, 0x5d]);

/**
 * The members of the object that a JSON text is, in their order and as often as they are there: `JSON.parse` keeps only the
 * last of two with one name. The text must be JSON, and an object. Pure.
 */
export function membersOf(json: string): Member[] {
  const members: Member[] = [];
  let depth = 0;
  let [name, from] = ["", -1];
  const end = (to: number): void => {
    if (from >= 0) members.push({ name, from, to });
    from = -1;
  };
  for (let at = 0; at < json.length; at += 1) {
    const sign = json.charCodeAt(at);
    if (sign === quote) {
      const close = endOfString(json, at);
      if (depth === 1 && from < 0) name = JSON.parse(json.slice(at, close + 1)) as string;
      at = close;
    } else if (opens.has(sign)) depth += 1;
    else if (closes.has(sign)) {
      depth -= 1;
      if (depth === 0) end(at);
    } else if (depth === 1 && sign === colon) from = at + 1;
    else if (depth === 1 && sign === comma) end(at);
  }
  return members;
}

/** Where the string that begins at a quote ends. */
function endOfString(json: string, start: number): number {
  let close = json.indexOf('"', start + 1);
  while (close >= 0 && isEscaped(json, close)) close = json.indexOf('"', close + 1);
  return close < 0 ? json.length : close;
}

function isEscaped(json: string, at: number): boolean {
  let before = at - 1;
  while (json.charCodeAt(before) === backslash) before -= 1;
  return (at - before) % 2 === 0;
}
