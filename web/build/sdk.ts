// A Vite plugin: serves the vendor's SDK as it was published, byte for byte, as a script of its own
// that runs under a Content-Security-Policy without `unsafe-eval`.
//
// The SDK's protobuf library makes functions from strings. The build runs it once and writes these
// functions down (`sdk-functions.mjs`); in the page, the SDK runs inside a function whose parameter
// `Function` looks them up instead of evaluating text. `eval`, which it only uses to look for Node's
// `require`, answers that there is none; and without `WebAssembly`, which the policy forbids as well,
// its 64-bit numbers are divided in JavaScript.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformWithEsbuild, type Plugin } from 'vite';
import { keyOf } from './sdk-key.mjs';

/** The published file; the same value stands in conformance/lib/browser.js. */
const SDK_SHA256 = 'd62c2ddfe54ed761252518469a791c1e0f6b77dacf02d10e1064f48c850c1172';

type Made = [key: string, parameters: string[], body: string][];

export function vendorSdk(): Plugin {
  let name = '';
  return {
    name: 'vendor-sdk',
    apply: 'build',
    async buildStart() {
      const file = createRequire(import.meta.url).resolve('agora-chat/Agora-chat.js');
      const sdk = readFileSync(file, 'utf8');
      const hash = createHash('sha256').update(sdk).digest('hex');
      if (hash !== SDK_SHA256) throw new Error(`this is not the published SDK 1.4.0: ${file} has ${hash}`);
      const script = fileURLToPath(new URL('./sdk-functions.mjs', import.meta.url));
      const made = JSON.parse(execFileSync(process.execPath, [script, file], { encoding: 'utf8', maxBuffer: 1 << 26 })) as Made;
      const { code } = await transformWithEsbuild(table(made), 'made.js', { minify: true, legalComments: 'none' });
      const source = `/* agora-chat 1.4.0 (ISC), as published, and the functions that it makes from strings */\n(function(){${code}\n(function(Function,eval,WebAssembly){\n${sdk}\n})(stoaMade,function(){return null})})();\n`;
      const version = createHash('sha256').update(source).digest('base64url').slice(0, 8);
      name = `assets/agora-chat-${version}.js`;
      this.emitFile({ type: 'asset', fileName: name, source });
    },
    // The page with the links into a class has no chat.
    transformIndexHtml: (_html, { path }) => (path.endsWith('/demo.html') ? [] : [{ tag: 'script', attrs: { defer: true, src: `/${name}` }, injectTo: 'head-prepend' }]),
  };
}

/** The code of `stoaMade`, which stands in for `Function`. */
function table(made: Made): string {
  const entries = made.map(([key, parameters, body]) => `${JSON.stringify(key)}: function (${parameters.join(',')}) {${body}\n}`);
  return `
    ${keyOf.toString()}
    var functions = {${entries.join(',\n')}};
    function find(words) {
      var found = functions[keyOf(Array.prototype.slice.call(words))];
      if (!found) throw new EvalError('the SDK asked for a function that was not there when the page was built');
      return found;
    }
    var stoaMade = new Proxy(Function, {
      apply: function (target, self, words) { return find(words); },
      construct: function (target, words) { return find(words); }
    });
  `;
}
