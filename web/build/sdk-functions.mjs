// Runs the vendor's SDK once, in a process of its own, and prints the functions that it makes from
// strings, as JSON: a list of [key, parameters, body].
//
// The SDK's protobuf library writes an encoder and a decoder for each kind of frame as text and has
// the browser evaluate it, which a strict Content-Security-Policy forbids, and rightly so. What it
// writes depends on nothing but the SDK, so it can be had when the page is built. See `sdk.ts`.

import { readFileSync } from 'node:fs';
import process from 'node:process';
import { keyOf } from './sdk-key.mjs';

const [file] = process.argv.slice(2);
const made = new Map();

const record = (words) => {
  const [body, parameters] = [words.at(-1), words.slice(0, -1)];
  const key = keyOf(words);
  const before = made.get(key);
  if (before && before.body !== body) throw new Error('two functions have the same key');
  made.set(key, { parameters, body });
};
const recording = new Proxy(Function, {
  apply: (target, self, words) => (record(words), Reflect.apply(target, self, words)),
  construct: (target, words) => (record(words), Reflect.construct(target, words)),
});

// It talks while it starts; what is printed here is read by a program.
for (const level of ['log', 'info', 'debug', 'warn', 'trace']) console[level] = () => {};

const window = {};
new Function('self', 'Function', 'eval', 'WebAssembly', 'exports', 'module', 'define', readFileSync(file, 'utf8'))(window, recording, () => null);
const { connection: Connection } = window.websdk.default ?? window.websdk;
const connection = new Connection({ appKey: 'org#app', isHttpDNS: false, url: 'ws://localhost:1/ws', apiUrl: 'http://localhost:1' });

let types = 0;
const visit = (namespace) => {
  for (const member of Object.values(namespace.nested ?? {})) {
    if (member.fields) {
      // Asking for the constructor makes it; `setup` makes all that reads and writes the type.
      if (!member.ctor) throw new Error(`${member.name} has no constructor`);
      member.setup();
      types += 1;
    }
    visit(member);
  }
};
visit(connection.root);
if (types === 0 || made.size < types) throw new Error('the SDK is not built as expected: no types were found');

process.stdout.write(JSON.stringify([...made].map(([key, { parameters, body }]) => [key, parameters, body])), () => process.exit(0));
