// Runs within the sandbox, which has no network: a port of its loopback leads to the console's socket, and nowhere else.
// node bridge.mjs SOCKET PORT COMMAND [ARGUMENTS…]
import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";

const [socket = "", port = "", command = "", ...args] = process.argv.slice(2);

const server = createServer((near) => {
  const far = connect(socket);
  near.pipe(far).pipe(near);
  // Whichever side breaks takes the other with it.
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
});
server.listen(Number(port), "127.0.0.1", () => {
  const child = spawn(command, args, { stdio: "inherit" });
  child.on("error", (error) => {
    process.stderr.write(`${command}: ${error.message}\n`);
    process.exit(127);
  });
  child.on("exit", (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
});
