// Two SDK clients that write to each other without a break, while something is done beside them.

import { setTimeout as pause } from 'node:timers/promises';
import { within } from './runner.js';

/** Between two messages of one side: a talk is there all the time, and leaves the machine to others. */
const PACE_MS = 25;
const PATIENCE_MS = 45_000;

export class Talk {
  /** Two users of an app, online with tokens of `tokens`, begin to talk. */
  static async begin(scope, tenant, tokens = tenant.tokens) {
    const talk = new Talk();
    Object.assign(talk, { secrets: tenant.lab.secrets, ending: false, waiting: new Set() });
    const side = async () => {
      const user = await tenant.user();
      return { user, page: await tenant.online(scope, user, tokens.user(user.username)), sent: [] };
    };
    talk.sides = await Promise.all([side(), side()]);
    const [one, other] = talk.sides;
    talk.running = Promise.all([talk.run(one, other), talk.run(other, one)]);
    // Whoever waits for it is told; until then a failure is not an unhandled one.
    talk.running.catch(() => {});
    scope.cleanup(() => {
      talk.ending = true;
      return talk.running;
    });
    await talk.goesOn();
    return talk;
  }

  async run(from, to) {
    while (!this.ending) {
      const msg = this.secrets.text();
      const { serverMsgId } = await from.page.tell({ type: 'txt', to: to.user.username, msg });
      from.sent.push({ id: serverMsgId, msg });
      for (const look of this.waiting) look();
      await pause(PACE_MS);
    }
  }

  /** Resolves when each side has written `count` further messages, begun from now on, and the other one has them. */
  async goesOn(count = 3) {
    // The one that is on its way does not count.
    const wanted = this.sides.map(({ sent }) => sent.length + count + 1);
    let look;
    const written = new Promise((resolve) => {
      look = () => this.sides.every(({ sent }, at) => sent.length >= wanted[at]) && resolve();
      this.waiting.add(look);
    });
    await within(PATIENCE_MS, 'a talk that goes on', Promise.race([written, this.running])).finally(() => this.waiting.delete(look));
    await this.arrived();
  }

  /** Resolves when all that was sent so far is there. */
  arrived() {
    const [one, other] = this.sides;
    return Promise.all([[one, other], [other, one]].map(([from, to]) => to.page.event('onTextMessage', ({ id }) => id === from.sent.at(-1).id)));
  }

  /** Ends it, and checks that all was there once, in order, on connections that never broke. */
  async end(check) {
    this.ending = true;
    await this.running;
    await this.arrived();
    const [one, other] = this.sides;
    for (const [from, to] of [[one, other], [other, one]]) {
      const got = to.page.seen('onTextMessage').map(({ id, msg }) => ({ id, msg }));
      check.deepEqual(got, from.sent);
      for (const event of ['onDisconnected', 'onReconnecting', 'onError']) check.equal(to.page.seen(event).length, 0, `${event} on ${to.page.label}`);
      check.equal(to.page.sockets, 1);
    }
  }
}
