// One app of the server, with what its own back end does: registers users, makes tokens, has devices log in.

import { Rest } from './rest.js';
import { Tokens } from './tokens.js';

export class Tenant {
  /** @param {{appKey: string, appId: string, certificate: string, orgName: string, appName: string}} app */
  constructor(lab, app) {
    Object.assign(this, { lab, app, appKey: app.appKey, rest: new Rest(lab.server, lab.auditor, app) });
    this.tokens = new Tokens(app, lab.secrets);
  }

  /** From now on the back end makes its tokens with another certificate; answers what makes them. */
  use(certificate) {
    this.lab.secrets.add('certificate', certificate);
    this.tokens = new Tokens({ appId: this.app.appId, certificate }, this.lab.secrets);
    return this.tokens;
  }

  /** A call of the app's back end. */
  ask(method, path, json, token = this.tokens.app()) {
    return this.rest.call(method, path, { token, json });
  }

  /** Registers a user, with the given name or a new one. */
  async user(username = this.lab.secrets.name()) {
    const password = this.lab.secrets.password();
    const answer = await this.ask('POST', '/users', { username, password });
    if (answer.status !== 200) throw new Error(`register: HTTP ${answer.status} ${answer.text}`);
    this.lab.secrets.add('user uuid', answer.body.entities[0].uuid);
    return { username, password };
  }

  /** A token that the server issues, by a grant. */
  async granted(json, token) {
    const answer = await this.rest.call('POST', '/token', { token, json });
    if (answer.status !== 200) throw new Error(`grant ${json.grant_type}: HTTP ${answer.status} ${answer.text}`);
    return this.lab.secrets.token(answer.body.access_token);
  }

  /** The same for a user, on behalf of the app's back end. */
  inherited(user, token = this.tokens.app()) {
    return this.granted({ grant_type: 'inherit', username: user.username }, token);
  }

  /** The status of a call about a user with the user's token. */
  async status(user, token) {
    return (await this.rest.call('GET', `/users/${user.username}`, { token })).status;
  }

  /** A device, made by the scope of a test, on which the user is logged in with that token. */
  async online({ device }, user, token = this.tokens.user(user.username)) {
    const page = await device({ appKey: this.appKey });
    await this.enters(page, user, token);
    return page;
  }

  /** Logs a user in on a page, which has to succeed. */
  async enters(page, user, token = this.tokens.user(user.username)) {
    const before = page.seen('onConnected').length;
    const outcome = await page.login({ user: user.username, accessToken: token });
    if (!outcome.ok) throw new Error(`login on ${page.label}: ${JSON.stringify(outcome.error)}`);
    await page.several('onConnected', before + 1);
    page.token = token;
  }
}
