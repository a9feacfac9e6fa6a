import { defineConfig } from "vitest/config";

export default defineConfig({
  server: { fs: { strict: false } },
  test: {
    include: ["stories/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
});
