// The demo page in a browser of its own profile: what a person does there, and everything that a
// page must not do while they do it.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { check } from './runner.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WAIT = { timeout: 30_000 };

export const PHONE = { width: 360, height: 740 };
export const DESKTOP = { width: 1360, height: 820 };

export class DemoPage {
  /** Opens the demo page's profile, at `url` or with the code of the moment. */
  static async open(lab, { url, viewport = DESKTOP, scheme = 'light', clock = false, scale = 1, memory } = {}) {
    const demo = new DemoPage();
    demo.lab = lab;
    demo.problems = [];
    demo.expected = [];
    demo.context = await lab.browser.newContext({ viewport, colorScheme: scheme, reducedMotion: 'reduce', locale: 'en-GB', deviceScaleFactor: scale, storageState: memory });
    await demo.newPage();
    if (clock) await demo.page.clock.install();
    await demo.page.goto(url ?? lab.server.readDemo().demoUrl);
    return demo;
  }

  /** The same page once more, in a further window of the same browser. */
  async again() {
    const again = Object.assign(new DemoPage(), this, { problems: this.problems });
    await again.newPage();
    await again.page.goto(new URL('/', this.lab.server.demo.demoUrl).href);
    return again;
  }

  async newPage() {
    this.page = await this.context.newPage();
    this.watch();
    await this.page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
  }

  watch() {
    const { auditor, hosts, server } = this.lab;
    hosts.allowed.add(new URL(server.demo.demoUrl).host);
    const note = (text) => {
      if (!this.expected.some((pattern) => pattern.test(text))) this.problems.push(text);
    };
    this.page.on('console', (message) => ['error', 'warning'].includes(message.type()) && note(`console: ${message.text()}`));
    this.page.on('pageerror', (error) => note(`thrown: ${error?.stack ?? error}`));
    this.page.on('request', (request) => hosts.note(request.url(), 'demo page'));
    this.page.on('websocket', (socket) => {
      hosts.note(socket.url(), 'demo page');
      const audit = auditor.session('demo page');
      socket.on('framesent', ({ payload }) => audit.sent(Buffer.from(payload)));
      socket.on('framereceived', ({ payload }) => audit.received(Buffer.from(payload)));
      socket.on('close', () => audit.closed());
    });
  }

  /** The side of `name`, Alice or Bob. */
  side(name) {
    return new Side(this, name);
  }

  get disk() {
    return this.page.locator('.disk');
  }

  gate(kind) {
    return this.page.locator(`[data-gate="${kind}"]`).waitFor(WAIT);
  }

  async bothOnline() {
    for (const name of ['Alice', 'Bob']) await this.side(name).link('online');
  }

  /** Runs the accessibility check on the page as it is. */
  async accessible(what) {
    await this.page.evaluate(AXE);
    const { violations, passes } = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations', 'passes'] }));
    const found = violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${what}: ${id}: ${help}: ${target}: ${failureSummary}`));
    check.deepEqual(found, []);
    check.ok(passes.length > 10, `${what}: only ${passes.length} rules applied`);
  }

  /** Whether something is wider than the screen. */
  async fits() {
    const { scroll, client } = await this.page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth }));
    check.ok(scroll <= client, `the page is ${scroll} px wide on ${client} px`);
  }

  /** Nothing was written to the console, thrown or refused by the policy. */
  quiet() {
    check.deepEqual(this.problems, []);
  }

  async dispose() {
    await this.context.close();
  }
}

/** One person's side. */
class Side {
  constructor(demo, name) {
    this.demo = demo;
    this.name = name;
    this.pane = demo.page.locator(`[data-person="demo-${name.toLowerCase()}"]`);
  }

  /** Resolves when the connection is in this state. */
  link(state) {
    return this.pane.locator(`.link[data-state="${state}"]`).waitFor(WAIT);
  }

  words() {
    return this.pane.locator('.link').innerText();
  }

  /** Looks through this person's eyes. */
  async look() {
    await this.pane.locator('h2').click();
  }

  async write(text) {
    const field = this.pane.getByRole('textbox');
    await field.fill(text);
    await field.press('Enter');
  }

  message(text) {
    return this.pane.locator('.message', { hasText: text });
  }

  /** Resolves when the message is there. */
  sees(text) {
    return this.message(text).waitFor(WAIT);
  }

  /** Resolves when the own message has come so far. */
  progress(text, progress) {
    return this.pane.locator(`.message[data-progress="${progress}"]`, { hasText: text }).waitFor(WAIT);
  }

  button(name) {
    return this.pane.getByRole('button', { name });
  }
}
