/**
 * How much is tried: `once`, what guards each promise (`npm test`); `ci`, that and a few blows of each campaign, and
 * every page in both languages; `all`, as many blows as docs/reliability.md tells of, and every page in every form.
 */
const extent = process.env["CICLO_TEST_EXTENT"] ?? "once";

/** `npm run test:all`. */
export const isEverything = extent === "all";

/** What repeats in another form what has been tried: `.ci/run` and `npm run test:all`. */
export const isThorough = extent !== "once";

/** How often a campaign repeats its blow. */
export const rounds = (few: number, many: number): number => (isEverything ? many : few);
