import { defineConfig } from 'vitest/config';
import { vendorSdk } from './build/sdk';
import { thirdParty } from './build/third-party';

export default defineConfig({
  plugins: [vendorSdk(), thirdParty('the demo pages', ['agora-chat'])],
  publicDir: false,
  build: {
    outDir: 'dist/site',
    rollupOptions: { input: ['index.html', 'classroom/demo.html', 'classroom/room.html'] },
    emptyOutDir: true,
    target: 'es2022',
    // No `data:` in the policy, and no script that was not asked for.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: { environment: 'node', include: ['src/**/*.test.ts', 'classroom/src/**/*.test.ts'] },
});
