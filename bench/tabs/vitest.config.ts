import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['*.bench.ts'],
    globalSetup: '../../tests/support/setup.ts',
    // One engine after the other: they would take each other's time.
    maxWorkers: 1,
    testTimeout: 15 * 60_000,
    teardownTimeout: 20_000,
    reporters: ['verbose'],
    // The provider says at each start that it is not meant for production with these settings.
    onConsoleLog: (text) => !/^oidc-provider (WARNING|NOTICE)/.test(text),
  },
})
