// REST as a customer's back end would call it. `fetch` takes no CA of its own, hence `node:https`.

import https from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE = 5;

const agents = new Map();
function agentFor(ca) {
  const key = ca?.toString() ?? '';
  if (!agents.has(key)) agents.set(key, new https.Agent({ ca, keepAlive: true, maxSockets: 32 }));
  return agents.get(key);
}

/** One request; resolves with status, headers, text and the JSON body if it was JSON. */
export function request(options) {
  return once(options).catch((error) => {
    // A kept connection that the server closed at the same moment was never a request to it.
    if (error.code === 'ECONNRESET' && error.reused) return once(options);
    throw error;
  });
}

function once({ method, url, headers = {}, body, ca, timeout = 30_000 }) {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    const call = https.request(url, {
      method,
      agent: agentFor(ca),
      headers: { ...(bytes && { 'content-length': bytes.length }), ...headers },
      timeout,
    });
    call.once('timeout', () => call.destroy(Object.assign(new Error(`no answer within ${timeout} ms`), { code: 'ETIMEDOUT' })));
    // A server may answer a body that is too big before it was sent to the end, and then close.
    let answered = false;
    call.on('error', (error) => answered || reject(Object.assign(error, { reused: call.reusedSocket })));
    call.once('response', (response) => {
      answered = true;
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        const bytes = Buffer.concat(parts);
        const text = bytes.toString();
        let json;
        try {
          json = JSON.parse(text);
        } catch {
          json = undefined;
        }
        resolve({ status: response.statusCode, headers: response.headers, bytes, text, body: json });
      });
    });
    call.end(bytes);
  });
}

export class Rest {
  /** @param {{orgName: string, appName: string}} app */
  constructor(server, auditor, app) {
    this.server = server;
    this.app = app;
    this.auditor = auditor;
  }

  /** `{base}` of the app. */
  get base() {
    return `${this.server.demo.restUrl}/${this.app.orgName}/${this.app.appName}`;
  }

  /**
   * @param {string} method
   * @param {string} path below the app, or a full URL
   * @param {{token?: string, json?: unknown, body?: string|Buffer, headers?: object}} options
   */
  async call(method, path, options = {}) {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.once(method, path, options);
      // What a back end does when it is told that it asks too often.
      if (answer.status !== 429 || attempt === PATIENCE) return answer;
      await pause(1000 * Number(answer.headers['retry-after'] ?? 1));
    }
  }

  async once(method, path, { token, json, body, headers = {} }) {
    const answer = await request({
      method,
      url: path.startsWith('https:') ? path : this.base + path,
      ca: this.server.ca,
      body: json === undefined ? body : JSON.stringify(json),
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...((json !== undefined || body !== undefined) && { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    this.auditor.response(`REST ${method} ${new URL(path, 'https://x').pathname.replace(/[0-9a-f-]{14,}/g, '*')}`, answer.status, answer.body);
    return answer;
  }
}
