// A class of the demo page, as its people see it: each in a window of one browser, with a camera and a microphone that
// are made up.

import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { check } from './runner.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WAIT = { timeout: 30_000 };
/** Findings of the accessibility check that fail a test. */
const GRAVE = ['serious', 'critical'];

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1360, height: 820 };
/** What most cases use: several windows of moving pictures are a lot of work without a graphics card. */
const WINDOW = { width: 960, height: 640 };

/** A page that comes from no address, as those of `PAGES` do, may otherwise not speak with a server on this machine. */
const WHOLE = process.env.PAGES ? ['--disable-features=LocalNetworkAccessChecks'] : [];

/** A browser with made-up devices, which asks nobody whether they may be used. */
export function startClassBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...WHOLE, '--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=fps=10', '--auto-select-desktop-capture-source=Entire screen', '--autoplay-policy=no-user-gesture-required'],
  });
}

/** What the built files are, by the ends of their names. */
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };

/**
 * Shows the files of a folder in place of those in the binary, with the binary's headers for pages: a page that was just
 * built is tested without building the server.
 */
async function showPagesOf(context, folder) {
  const fileOf = (url) => {
    const { pathname } = new URL(url);
    const file = path.join(folder, path.normalize(path.extname(pathname) ? pathname : `${pathname}.html`));
    return file.startsWith(path.join(folder, path.sep)) && existsSync(file) ? file : undefined;
  };
  await context.route((url) => /^\/(classroom|assets)\//.test(url.pathname), async (route) => {
    const file = fileOf(route.request().url());
    if (!file) return route.continue();
    const kind = path.extname(file);
    const { 'content-length': _, etag: __, ...headers } = kind === '.html' ? (await route.fetch()).headers() : {};
    await route.fulfill({ status: 200, headers: { ...headers, 'content-type': TYPES[kind] ?? 'application/octet-stream' }, body: readFileSync(file) });
  });
}

/** For a page, before anything else: its peer connections are kept in `window.connections`, so that they can be asked. */
export function keepConnections() {
  const Own = window.RTCPeerConnection;
  window.connections = [];
  window.RTCPeerConnection = class extends Own {
    constructor(...given) {
      super(...given);
      window.connections.push(this);
    }
  };
}

/** The page with the links, in a browser that was let in. */
export class ClassDemo {
  static async open(lab, browser, { scheme = 'light', viewport = WINDOW, scale = 1 } = {}) {
    const demo = new ClassDemo();
    Object.assign(demo, { lab, browser, scheme, viewport, scale, problems: [], expected: [] });
    demo.context = await browser.newContext({ viewport, colorScheme: scheme, reducedMotion: 'reduce', locale: 'en-GB', deviceScaleFactor: scale });
    if (process.env.PAGES) await showPagesOf(demo.context, path.resolve(process.env.PAGES));
    demo.page = await demo.newPage('links');
    await demo.page.goto(lab.server.readDemo().classDemoUrl);
    await demo.page.locator('[data-link="teacher"]').waitFor(WAIT);
    return demo;
  }

  async newPage(name) {
    const { lab } = this;
    lab.hosts.allowed.add(new URL(lab.server.demo.demoUrl).host);
    const page = await this.context.newPage();
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    const note = (text) => {
      if (!this.expected.some((pattern) => pattern.test(text))) this.problems.push(`${name}: ${text}`);
    };
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && note(`console: ${message.text()}`));
    page.on('pageerror', (error) => note(`thrown: ${error?.stack ?? error}`));
    page.on('request', (request) => lab.hosts.note(request.url(), name));
    page.said = [];
    page.on('websocket', (socket) => {
      lab.hosts.note(socket.url(), name);
      if (new URL(socket.url()).pathname === '/ws/class') socket.on('framesent', ({ payload }) => page.said.push(payload));
    });
    return page;
  }

  /** The link of a role, as the page shows it, with what is to be another way in it. */
  async link(role, changes = {}) {
    const text = role === 'teacher' || role === 'student' ? `[data-link="${role}"] a` : `a:has-text("${role}")`;
    const url = new URL(await this.page.locator(text).first().getAttribute('href'), this.page.url());
    const said = new URLSearchParams(url.hash.slice(1));
    for (const [name, value] of Object.entries(changes)) said.set(name, value);
    url.hash = said;
    return url.href;
  }

  /** Somebody comes into the class; `check` goes through the device check. */
  async come(role, { check: first = false, viewport, ...changes } = {}) {
    const page = await this.newPage(role);
    if (viewport) await page.setViewportSize(viewport);
    await page.goto(await this.link(role, { check: first ? '1' : '0', ...changes }));
    const person = new ClassPerson(this, page);
    if (!first) await person.live();
    return person;
  }

  /** Makes another class, of this type. */
  async another(name) {
    const before = await this.link('teacher');
    await this.page.getByRole('radio', { name: new RegExp(`^${name}`) }).check();
    await this.page.getByRole('button', { name: 'Make a new class' }).click();
    await this.page.waitForFunction((href) => new URL(document.querySelector('[data-link="teacher"] a').getAttribute('href'), location.href).href !== href, before);
  }

  /** Nothing was written to a console, thrown or refused by the policy. */
  quiet() {
    check.deepEqual(this.problems, []);
  }

  dispose() {
    return this.context.close();
  }
}

/** A window of somebody in the class. */
export class ClassPerson {
  constructor(demo, page) {
    this.demo = demo;
    this.page = page;
  }

  at(selector) {
    return this.page.locator(selector).first();
  }

  button(name, options = {}) {
    return this.page.getByRole('button', { name, ...options });
  }

  shows(selector) {
    return this.at(selector).waitFor(WAIT);
  }

  /** Resolves when nothing of that is there (any more). */
  async lacks(selector) {
    await this.at(selector).waitFor({ ...WAIT, state: 'detached' });
  }

  /** Resolves when this page is shown in place of the class. */
  gate(name) {
    return this.shows(`[data-page="${name}"]`);
  }

  async live() {
    await this.shows('[data-page="room"][data-link="live"]').catch(async (error) => {
      throw new Error(`${error.message}\nthe page says: ${await this.page.locator('body').innerText()}\n${this.demo.problems.join('\n')}`);
    });
  }

  phase(number) {
    return this.shows(`[data-phase="${number}"]`);
  }

  /** Opens the people or the chat, unless it is. */
  async panel(name) {
    const open = this.page.locator(`[data-panel="${name.toLowerCase()}"]`);
    if ((await open.count()) === 0) await this.page.locator('.sc-dock').getByRole('button', { name: new RegExp(`^${name}`) }).click();
    await open.waitFor(WAIT);
  }

  /** Chooses from the acts for somebody who is listed. */
  async act(user, name) {
    await this.panel('People');
    const row = this.page.locator(`.sc-person[data-person="${user}"]`);
    await row.getByRole('button', { name: /^Acts for/ }).click();
    await row.getByRole('button', { name }).click();
  }

  async tool(name) {
    await this.page.locator('.sc-dock').getByRole('button', { name: 'Tools' }).click();
    await this.page.locator('.sc-menu__list').getByRole('button', { name }).click();
  }

  async write(text) {
    await this.panel('Chat');
    await this.shows('[data-chat="online"]');
    const field = this.page.getByRole('textbox', { name: /^Write to (everyone|your group)$/ });
    await field.fill(text);
    await field.press('Enter');
  }

  /** Shows the conversation with all, or the private ones. */
  async talkTo(name) {
    await this.panel('Chat');
    await this.page.locator('.sc-chat__tabs').getByText(name).click();
  }

  async reads(text) {
    await this.panel('Chat');
    await this.page.locator('.sc-message', { hasText: text }).waitFor(WAIT);
  }

  /** Runs the accessibility check; only grave findings count. */
  async accessible(what) {
    await accessible(this.page, what);
  }

  /** Nothing is wider than the screen, once what moves after a change of its size has come to rest. */
  async fits() {
    const fit = () => document.documentElement.scrollWidth <= document.documentElement.clientWidth;
    await this.page.waitForFunction(fit, undefined, { timeout: 5_000 }).catch(() => {});
    const { scroll, client, wide } = await this.page.evaluate(() => {
      const { scrollWidth: scroll, clientWidth: client } = document.documentElement;
      const wide = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > client + 1);
      return { scroll, client, wide: wide.map((one) => `${one.className} ${Math.round(one.getBoundingClientRect().right)}`).slice(0, 12) };
    });
    check.ok(scroll <= client, `the page is ${scroll} px wide on ${client} px: ${wide.join(', ')}`);
  }
}

export async function accessible(page, what) {
  await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations', 'passes'] }));
  const grave = violations.filter(({ impact }) => GRAVE.includes(impact));
  const found = grave.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${what}: ${id}: ${help}: ${target}: ${failureSummary}`));
  check.deepEqual(found, []);
  check.ok(passes.length > 10, `${what}: only ${passes.length} rules applied`);
}
