// The proof of completeness: every row of the SDK's declarations (`surface.js`) has a state in
// `compatibility.json`, and what is said to work was shown by a case that passed in this run. The
// page docs/compatibility.md is written from both, so that it cannot say more than was shown.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rows } from './surface.js';

const TABLE = fileURLToPath(new URL('../compatibility.json', import.meta.url));
const PAGE = fileURLToPath(new URL('../../docs/compatibility.md', import.meta.url));

/** The states, in the order in which they are counted, with the word for each. */
const STATES = { works: 'works', differs: 'works with a difference', absent: 'absent', planned: 'planned' };
const SHOWN = ['works', 'differs'];

/** How many cases a row names before the rest is only counted. */
const NAMED = 2;

export class Compatibility {
  /**
   * @param {ReturnType<import('./surface.js').surface>} surface what the SDK declares
   * @param {{title: string, rows: object}[]} sections the table
   */
  constructor(surface, sections = JSON.parse(readFileSync(TABLE, 'utf8')).sections) {
    this.declared = new Map(rows(surface).map((one) => [one.row, one]));
    this.sections = sections;
    this.shownBy = new Map();
    this.aliases = {};
  }

  /** The rows of the table: `{section, row, state, reason}`. A row is written as a state or as `{state: reason}`. */
  get table() {
    return this.sections.flatMap((section) =>
      Object.entries(section.rows).map(([row, value]) => {
        const [state, reason] = typeof value === 'string' ? [value, ''] : Object.entries(value)[0];
        return { section: section.title, row, state, reason };
      }),
    );
  }

  /** Notes the cases that passed. */
  note(cases) {
    for (const { name, covers, aliases } of cases) {
      Object.assign(this.aliases, aliases);
      for (const row of covers) {
        if (!this.shownBy.has(row)) this.shownBy.set(row, []);
        this.shownBy.get(row).push(name);
      }
    }
    for (const names of this.shownBy.values()) names.sort();
  }

  /** The cases that show a row. That an old name is the new one shows nothing if the new one was not shown. */
  cases(row) {
    const current = this.aliases[row];
    if (current && !this.shownBy.has(current)) return [];
    return this.shownBy.get(row) ?? [];
  }

  /** What cases claim to cover although nothing like it is declared; known before anything runs. */
  unknownClaims(cases) {
    return cases.flatMap(({ name, covers = [] }) => covers.filter((row) => !this.declared.has(row)).map((row) => `${name} covers ${row}, which the SDK does not declare`));
  }

  /** Where the table and the declarations disagree. */
  gaps() {
    const { table } = this;
    const counted = new Map();
    for (const { row } of table) counted.set(row, (counted.get(row) ?? 0) + 1);
    return [
      ...[...this.declared.keys()].filter((row) => !counted.has(row)).map((row) => `${row} is declared by the SDK and missing in compatibility.json`),
      ...[...counted.keys()].filter((row) => !this.declared.has(row)).map((row) => `${row} is in compatibility.json, but the SDK does not declare it`),
      ...[...counted].filter(([, count]) => count > 1).map(([row]) => `${row} is in compatibility.json more than once`),
      ...table.filter(({ state }) => !(state in STATES)).map(({ row, state }) => `${row}: "${state}" is no state; one of ${Object.keys(STATES).join(', ')}`),
      ...table.filter(({ state, reason }) => state in STATES && state !== 'works' && !reason).map(({ row, state }) => `${row}: "${state}" needs a reason`),
    ];
  }

  /** Where the table and what was shown disagree, in both directions. */
  falsehoods() {
    return this.table.flatMap(({ row, state }) => {
      const [first] = this.cases(row);
      if (SHOWN.includes(state) && !first) return [`${row} is said to work, but no case that passed covers it`];
      if (!SHOWN.includes(state) && first) return [`${row} is said to be ${state}, but it works: ${first}`];
      return [];
    });
  }

  /** Says of planned rows that were shown in this run that they work. */
  promote() {
    for (const { rows: section } of this.sections) {
      for (const [row, value] of Object.entries(section)) if (value.planned && this.cases(row).length > 0) section[row] = 'works';
    }
    writeFileSync(TABLE, `${JSON.stringify({ sections: this.sections }, null, 2)}\n`);
  }

  get page() {
    const count = (fits) => this.table.filter(fits).length;
    const kinds = [['method', 'methods'], ['event', 'events'], ['operation', 'operations of events']];
    const line = (cells) => `| ${cells.join(' | ')} |`;
    const counts = [
      line(['', ...kinds.map(([, words]) => words), 'all']),
      line(['---', ...kinds.map(() => '---:'), '---:']),
      ...Object.entries(STATES).map(([state, words]) =>
        line([words, ...kinds.map(([kind]) => count((one) => one.state === state && this.declared.get(one.row)?.kind === kind)), count((one) => one.state === state)]),
      ),
      line(['all', ...kinds.map(([kind]) => count(({ row }) => this.declared.get(row)?.kind === kind)), this.table.length]),
    ];
    const cases = new Set(this.table.filter(({ state }) => SHOWN.includes(state)).flatMap(({ row }) => this.cases(row)));
    return [
      HEAD,
      counts.join('\n'),
      `${cases.size} cases of the run show the rows that work. A name in brackets is old: the SDK keeps it for older apps.`,
      ...this.sections.map((section) => {
        const list = this.table.filter((one) => one.section === section.title);
        const lines = list.map(({ row, state, reason }) => line([this.label(row), STATES[state], this.because(row, state, reason)]));
        return [`## ${section.title}`, section.about, [line(['method or event', 'state', 'shown by, or reason']), line(['---', '---', '---']), ...lines].join('\n')].filter(Boolean).join('\n\n');
      }),
      TAIL,
    ].join('\n\n');
  }

  label(row) {
    const { old, kind } = this.declared.get(row) ?? {};
    const name = kind === 'method' ? `${row}()` : row.replace(/^event:/, '').replace('/', ': ');
    return old ? `(\`${name}\`)` : `\`${name}\``;
  }

  because(row, state, reason) {
    const cases = SHOWN.includes(state) ? this.cases(row) : [];
    const more = cases.length > NAMED ? ` and ${cases.length - NAMED} more` : '';
    const named = cases.slice(0, NAMED).join('; ') + more;
    return [reason, named].filter(Boolean).join('. Shown by ').replaceAll('|', '\\|');
  }

  /** Whether the page of the repository is what this run says. */
  get current() {
    return readFileSync(PAGE, 'utf8') === this.page;
  }

  write() {
    writeFileSync(PAGE, this.page);
  }

  /** The judgement, as tests of the run. `update` rewrites the page, and the table where more works than it says. */
  tests(check, update) {
    return [
      { name: 'the judgement itself finds what is missing, invented, claimed and kept quiet', run: () => judgeItself(check) },
      {
        name: 'every method and event that the SDK declares is in the table, and nothing else',
        run: () => check.deepEqual(this.gaps(), []),
      },
      {
        name: 'what is said to work was shown by a case of this run, and what was shown is said',
        run: () => {
          if (update) this.promote();
          check.deepEqual(this.falsehoods(), []);
        },
      },
      {
        name: 'docs/compatibility.md says what this run has shown',
        run: () => {
          if (update) this.write();
          check.ok(this.current, 'the page differs from this run; rewrite it with: UPDATE=1 node run.js');
        },
      },
    ];
  }
}

/** Holds the judgement against tables that are wrong in each way. */
function judgeItself(check) {
  const declared = { methods: [{ name: 'send', old: false }, { name: 'sendOld', old: true }], events: [{ name: 'onText', old: false, operations: ['create'] }] };
  const good = { send: 'works', sendOld: 'works', 'event:onText': 'works', 'event:onText/create': { planned: 'later' } };
  const cases = [
    { name: 'one', covers: ['send', 'event:onText'], aliases: {} },
    { name: 'two', covers: ['sendOld'], aliases: { sendOld: 'send' } },
  ];
  const judge = (table, shown = cases) => {
    const one = new Compatibility(declared, [{ title: 'All', rows: table }]);
    one.note(shown);
    return [...one.gaps(), ...one.falsehoods()];
  };
  check.deepEqual(judge(good), []);
  const { send, ...missing } = good;
  check.equal(send, 'works');
  for (const [table, shown, finding] of [
    [missing, cases, /send is declared by the SDK and missing/],
    [{ ...good, recieve: 'works' }, cases, /recieve is in .*, but the SDK does not declare it/],
    [{ ...good, send: 'fine' }, cases, /"fine" is no state/],
    [{ ...good, 'event:onText/create': { planned: '' } }, cases, /needs a reason/],
    [{ ...good, 'event:onText/create': 'works' }, cases, /create is said to work, but no case/],
    [{ ...good, send: { absent: 'why' } }, cases, /send is said to be absent, but it works: one/],
    // An old name proves nothing when the new one was not shown.
    [{ ...good, send: { planned: 'x' }, 'event:onText': { planned: 'x' } }, cases.slice(1), /sendOld is said to work, but no case/],
  ]) {
    check.match(judge(table, shown).join('\n'), finding);
  }
  const claims = new Compatibility(declared, []).unknownClaims([{ name: 'three', covers: ['sendd'] }]);
  check.match(claims.join('\n'), /three covers sendd/);
}

const HEAD = `# Compatibility

What works of the vendor's chat SDK for the web, \`agora-chat\` 1.4.0, unmodified. The list is made from the SDK's
own type declarations: every public method of its connection, every event of its handler, and under the event the
operations that it tells apart. "Works" means that a case of the conformance run shows it, in a browser, against the
real binary over TLS, with the effect seen by another client ([conformance/](../conformance/README.md)). The run
writes this page, and fails when it says something else than was shown.

What is absent or planned is refused with an error that the SDK reports to the app; nothing hangs.

Other SDKs (Android, iOS, Windows, Unity, Flutter) have not been tried, nor the SDK's builds for mini programs (base64
text frames) and its plugin that keeps a copy of messages in the browser, which asks the server for nothing.

## Counts`;

const TAIL = `## Pointing the SDK at your server

\`\`\`js
const chat = new AC.connection({
  appKey: "org#app",
  isHttpDNS: false,
  url: "wss://chat.example.org/ws",
  apiUrl: "https://chat.example.org",
});
\`\`\`

With \`isHttpDNS: false\` use \`appKey\`, not \`appId\`: the SDK can make REST calls only by app key then. The server
answers the SDK's DNS document too (\`GET /easemob/server.json\`), by app key or App ID: set
\`chat.dnsArr = ["https://chat.example.org"]\`, or let the name that the SDK asks resolve to your server.

Access tokens made by the vendor's official builders (format 007) are accepted as they are: give the builder the
App ID and certificate that \`stoa app create\` made. \`stoa token build\` makes them as well.

## What the SDK does that one must know

- It stops after five attempts to reconnect; the app is told by \`onDisconnected\` and has to \`open\` again.
- A message that is in flight when the socket breaks is rejected, not sent again. The app may send it again.
- It drops a message whose id it has seen among the last hundred or so; redelivery after a crash is invisible
  within that.
`;
