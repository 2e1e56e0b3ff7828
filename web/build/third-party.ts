// A Vite plugin: writes third-party.txt, the licences of everything that ends up in the built files.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'vite';

/** `what` is built; `beside` are packages that are put into it by other ways than an import. */
export function thirdParty(what: string, beside: readonly string[] = []): Plugin {
  return {
    name: 'third-party',
    apply: 'build',
    generateBundle(_options, bundle) {
      const folders = new Set(beside.map((name) => path.resolve('node_modules', name)));
      for (const output of Object.values(bundle)) {
        if (output.type !== 'chunk') continue;
        for (const [id, { renderedLength }] of Object.entries(output.modules)) {
          const folder = renderedLength > 0 ? packageOf(id) : undefined;
          if (folder) folders.add(folder);
        }
      }
      const parts = [...folders].sort().map(describe);
      const text = `Software of others in ${what} of Stoa, with its licences.\n\n${parts.join('\n')}`;
      this.emitFile({ type: 'asset', fileName: 'third-party.txt', source: text });
    },
  };
}

/** The folder of the package that a module belongs to. */
function packageOf(id: string): string | undefined {
  const file = id.replace(/^\0/, '').split('?')[0] ?? '';
  const at = file.lastIndexOf('/node_modules/');
  if (at < 0) return undefined;
  const [first = '', second = ''] = file.slice(at + '/node_modules/'.length).split('/');
  return path.join(file.slice(0, at), 'node_modules', first.startsWith('@') ? `${first}/${second}` : first);
}

function describe(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Record<string, string>;
  const file = existsSync(folder) ? readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry)) : undefined;
  const text = file ? readFileSync(path.join(folder, file), 'utf8').trim() : 'The package comes without a text of its own; the licence named applies.';
  return `${'='.repeat(80)}\n${name} ${version} (${license})\n\n${text}\n`;
}
