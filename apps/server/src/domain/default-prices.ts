/** `policies/prices.yaml` of a new configuration; it also holds where a configuration has none. */
export const defaultPrices = `# What models cost. A row here goes before the table; a call that neither knows is shown as unpriced, never as free.
id: prices
kind: prices
title: Prices
table: genai-prices 0.1.8
# Names that agents and logs have for a provider, and the name by which prices know it.
providers:
  zhipu: zai
  z-ai: zai
rows:
  - provider: zai
    model: glm-4.5
    from: 2025-07-28
    usd_per_million: { input: 0.6, output: 2.2, cache_read: 0.11 }
    source: https://docs.z.ai/guides/overview/pricing
  - provider: zai
    model: glm-4.5-air
    from: 2025-07-28
    usd_per_million: { input: 0.2, output: 1.1, cache_read: 0.03 }
    source: https://docs.z.ai/guides/overview/pricing
  - provider: zai
    model: glm-4.6
    from: 2025-09-30
    usd_per_million: { input: 0.6, output: 2.2, cache_read: 0.11 }
    source: https://docs.z.ai/guides/overview/pricing
  - provider: zai
    model: glm-4.7
    from: 2025-12-22
    usd_per_million: { input: 0.6, output: 2.2, cache_read: 0.11 }
    source: https://docs.z.ai/guides/overview/pricing
`;
