import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['*.test.ts'],
    globalSetup: './support/setup.ts',
    // Two cores carry three browsers with their providers, APIs and gateways: much of a test is waiting for time to pass.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 30_000,
    teardownTimeout: 20_000,
    reporters: ['verbose'],
    // It says at each start that it is not meant for production with these settings.
    onConsoleLog: (text) => !/^oidc-provider (WARNING|NOTICE)/.test(text),
  },
})
