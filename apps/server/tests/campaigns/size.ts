/** How often a campaign repeats its blow: a few times in `npm test`, as often as asked for in `npm run test:all`. */
export const rounds = (few: number, many: number): number =>
  process.env["CICLO_TEST_CAMPAIGNS"] === "full" ? many : few;
