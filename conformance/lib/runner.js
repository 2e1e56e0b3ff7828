// A small test runner: one process, one server and one browser shared by all tests, assertions
// counted. `node:test` isolates every file in a process of its own, which would mean a server and a
// browser for each; and the count of assertions is part of what this suite has to show.

import assert from 'node:assert/strict';

/** How many assertions have been made so far in this process. */
export let assertions = 0;

/** `node:assert/strict`, counting every call that did not throw. */
export const check = new Proxy(
  {},
  {
    get(_target, name) {
      const original = assert[name];
      return (...args) => {
        const result = original(...args);
        if (result instanceof Promise) {
          return result.then((value) => ((assertions += 1), value));
        }
        assertions += 1;
        return result;
      };
    },
  },
);

const DEFAULT_TIMEOUT_MS = 60_000;

/** Rejects with `what` when `promise` has not settled after `ms`; a guard against hanging, not a pace. */
export function within(ms, what, promise) {
  let timer;
  const limit = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/** Resolves when `ask` gives what `fits`; says after `ms` what it gave last. */
export async function until(what, ask, fits, ms = 20_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const last = await ask();
    if (fits(last)) return last;
    if (Date.now() > deadline) throw new Error(`${what}: ${JSON.stringify(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Runs tests `width` at a time and prints one line for each.
 *
 * @param {{name: string, run: Function, timeout?: number, covers?: string[]}[]} tests
 *   `covers` are the rows of the SDK's declarations that the test shows to work
 * @returns {Promise<{passed: number, failed: number, failures: {name: string, error: Error}[], shown: {name: string, covers: string[]}[]}>}
 */
export async function runAll(tests, context, width) {
  const outcome = { passed: 0, failed: 0, failures: [], shown: [] };
  const waiting = [...tests];
  const worker = async () => {
    for (let test = waiting.shift(); test; test = waiting.shift()) {
      const started = performance.now();
      const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
      try {
        await within(test.timeout ?? DEFAULT_TIMEOUT_MS, 'test', runOne(test, context));
        outcome.passed += 1;
        if (test.covers) outcome.shown.push({ name: test.name, covers: test.covers, aliases: test.aliases ?? {} });
        console.log(`ok      ${test.name} (${seconds()} s)`);
      } catch (error) {
        outcome.failed += 1;
        outcome.failures.push({ name: test.name, error });
        console.log(`FAILED  ${test.name} (${seconds()} s)`);
        console.log(String(error?.stack ?? error).replace(/^/gm, '        '));
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return outcome;
}

/** Gives the test a place to leave clean-up work, which runs whatever the outcome was. */
async function runOne(test, context) {
  const cleanups = [];
  const devices = [];
  const scope = { ...context, cleanup: (work) => cleanups.push(work) };
  if (context.lab) {
    scope.device = async (options) => {
      const device = await context.lab.device(options);
      devices.push(device);
      cleanups.push(() => device.dispose());
      return device;
    };
    /** As many users as asked for, each logged in on a device: `[[user, device], …]`. */
    scope.people = async (count, options) => {
      const users = await context.lab.users(count);
      return Promise.all(
        users.map(async (user) => {
          const device = await scope.device(options);
          await context.lab.login(device, user);
          return [user, device];
        }),
      );
    };
    /** A further device of a user. */
    scope.another = async (user, options) => {
      const device = await scope.device(options);
      await context.lab.login(device, user);
      return device;
    };
    scope.socket = async (options) => {
      const socket = await context.lab.socket(options);
      cleanups.push(() => socket.dispose());
      return socket;
    };
  }
  try {
    await test.run(scope);
    // A case may not claim what it never touched.
    const used = new Set(devices.flatMap((device) => [...device.used()]));
    const idle = (test.covers ?? []).filter((row) => !used.has(row));
    if (idle.length > 0) throw new Error(`said to be covered, but never called or seen: ${idle.join(', ')}`);
  } finally {
    for (const work of cleanups.reverse()) await work().catch(() => {});
  }
}
