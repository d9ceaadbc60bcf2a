// What the suite starts as its client: hands the scenario to the client in the test's own process, which
// has it loaded already, and ends as that did. `node client-command.mjs PORT URL`
import { request } from "node:http";

const [port, url] = process.argv.slice(2);
const scenario = {
  name: process.env.MCP_CONFORMANCE_SCENARIO ?? "",
  url,
  ...JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}"),
};
request({ host: "127.0.0.1", port, method: "POST" }, (response) => {
  response.pipe(process.stderr);
  process.exitCode = response.statusCode === 200 ? 0 : 1;
}).end(JSON.stringify(scenario));
