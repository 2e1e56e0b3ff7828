// What the SDK declares: every public method of its connection, and every event of its handler with
// the operations that the event tells apart.
//
// Read from the type declarations in the package by the TypeScript compiler, so that nobody keeps
// the list by hand and none of it can be forgotten. A method is a member of `Connection`, or of one
// of the interfaces that the package adds to it by subject (`group`, `contact`, …); two of those are
// missing in the declaration of `Connection`, although the object has them.

import path from 'node:path';
import { createRequire } from 'node:module';
import ts from 'typescript';

const require = createRequire(import.meta.url);
const PACKAGE = path.dirname(require.resolve('agora-chat/package.json'));

const CONNECTION = 'Agora-chat.d.ts';
const HANDLERS = ['Agora-chat.d.ts', 'types/eventHandler.d.ts'];
/** Subjects that are added to the connection. `localCache` is not one: it is a plugin of the `miniCore` build. */
const SUBJECTS = ['chatroom', 'contact', 'group', 'presence', 'silent', 'thread', 'translation'];

const subjectFile = (subject) => `${subject}/${subject}.d.ts`;
const isHidden = (node) => node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword);

/** Whether a declaration is marked as old, by its tag or by being hidden from the documentation. */
const isOld = (node) => ts.getJSDocTags(node).some(({ tagName }) => ['deprecated', 'hidden'].includes(tagName.text));

/** All declarations in `root` that `fits` accepts, at any depth. */
function find(root, fits) {
  const found = [];
  const visit = (node) => {
    if (fits(node)) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

/** The values of `operation` in what a handler is given; none when it has no such property. */
function operations(checker, handler) {
  const [call] = checker.getTypeAtLocation(handler).getNonNullableType().getCallSignatures();
  const [parameter] = call?.parameters ?? [];
  if (!parameter) return [];
  const given = checker.getTypeOfSymbolAtLocation(parameter, handler);
  const members = given.isUnion() ? given.types : [given];
  const values = members.flatMap((member) => {
    const operation = member.getProperty?.('operation');
    if (!operation) return [];
    const type = checker.getTypeOfSymbolAtLocation(operation, handler);
    return (type.isUnion() ? type.types : [type]).filter((one) => one.isStringLiteral()).map((one) => one.value);
  });
  return [...new Set(values)];
}

/** Adds to `rows`, by name; a thing that is declared twice is old only if both declarations say so. */
function note(rows, name, old, more = {}) {
  const known = rows.get(name);
  if (!known) rows.set(name, { name, old, ...more });
  else {
    known.old &&= old;
    if (more.operations) known.operations = [...new Set([...known.operations, ...more.operations])];
  }
}

/**
 * @returns {{methods: {name: string, old: boolean}[], events: {name: string, old: boolean, operations: string[]}[]}}
 *   in the order of the declarations
 */
export function surface() {
  const names = [CONNECTION, ...HANDLERS, ...SUBJECTS.map(subjectFile)];
  const files = [...new Set(names)].map((name) => path.join(PACKAGE, name));
  const program = ts.createProgram(files, { noEmit: true, strict: true, types: [], lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] });
  const checker = program.getTypeChecker();
  const source = (name) => program.getSourceFile(path.join(PACKAGE, name));

  const methods = new Map();
  const [connection] = find(source(CONNECTION), (node) => ts.isClassDeclaration(node) && node.name?.text === 'Connection');
  for (const member of connection.members) {
    if (ts.isMethodDeclaration(member) && !isHidden(member)) note(methods, member.name.text, isOld(member));
  }
  for (const subject of SUBJECTS) {
    for (const member of find(source(subjectFile(subject)), ts.isMethodSignature)) {
      if (member.parent.name?.text?.endsWith('Api')) note(methods, member.name.text, isOld(member));
    }
  }

  const events = new Map();
  for (const name of HANDLERS) {
    const [handlers] = find(source(name), (node) => ts.isInterfaceDeclaration(node) && node.name.text === 'EventHandlerType');
    for (const member of handlers.members) note(events, member.name.text, isOld(member), { operations: operations(checker, member) });
  }
  return { methods: [...methods.values()], events: [...events.values()] };
}

/** The rows as cases and the table name them: `createGroup`, `event:onGroupEvent`, `event:onGroupEvent/create`. */
export function rows({ methods, events }) {
  return [
    ...methods.map(({ name, old }) => ({ row: name, old, kind: 'method' })),
    ...events.flatMap(({ name, old, operations: values }) => [
      { row: `event:${name}`, old, kind: 'event' },
      ...values.map((value) => ({ row: `event:${name}/${value}`, old, kind: 'operation' })),
    ]),
  ];
}
