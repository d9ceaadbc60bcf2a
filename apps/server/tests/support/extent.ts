/** Whether everything is asked for (`npm run test:all`), or what guards each promise once (`npm test`). */
export const isEverything = process.env["CICLO_TEST_EXTENT"] === "all";

/** How often a campaign repeats its blow. */
export const rounds = (few: number, many: number): number => (isEverything ? many : few);
