/** Loaded into a console that is measured: collects its garbage when the parent process asks, then answers. */
process.on("message", (said) => {
  if (said !== "collect") return;
  globalThis.gc?.();
  process.send?.("collected");
});
process.channel?.unref();
