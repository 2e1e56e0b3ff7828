import { defineConfig } from 'vite';
import { thirdParty } from './build/third-party';

// The class as a script and a style sheet that an app's own page includes (docs/classroom-page.md).
export default defineConfig({
  plugins: [thirdParty('the class page')],
  publicDir: false,
  define: { 'process.env.NODE_ENV': '"production"' },
  build: {
    outDir: 'dist/library',
    emptyOutDir: true,
    target: 'es2022',
    cssCodeSplit: false,
    reportCompressedSize: false,
    lib: { entry: 'classroom/src/global.ts', formats: ['iife'], name: 'stoaClassroom', fileName: () => 'stoa-classroom.js', cssFileName: 'stoa-classroom' },
  },
});
