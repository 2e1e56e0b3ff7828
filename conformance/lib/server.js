// One life, or several, of the real binary: start, ready, stop, kill, start again on the same data.

import { execFile, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { openSync, closeSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import tls from 'node:tls';
import { request } from './rest.js';

const READY_MS = 90_000;

export class Server {
  /**
   * @param {string} binary path of `stoa`
   * @param {string} name for messages and file names
   * @param {string} logLevel the more a server says, the more the search for leaks is worth
   */
  constructor(binary, name, logLevel) {
    this.logLevel = logLevel;
    this.binary = binary;
    this.name = name;
    this.dir = mkdtempSync(path.join(os.tmpdir(), `stoa-conformance-${name}-`));
    this.data = path.join(this.dir, 'data');
    this.keys = path.join(this.dir, 'keys');
    this.logs = path.join(this.dir, 'logs');
    mkdirSync(this.logs);
    this.lives = 0;
    /** What is said on the command line besides. */
    this.settings = [];
    /** The program that runs it, with its arguments; it must become the server itself (`strace -D`). */
    this.under = [];
    /** Where it listens at first. */
    this.listen = '127.0.0.1:0';
  }

  /**
   * Carries out a command of the operator on this server's data: through the server while it runs, else on the files.
   * Never rejects for a refusal: resolves with the exit code, what was printed, also as JSON (all lines, and the first
   * one), and when the answer was there (milliseconds since 1970).
   *
   * @param {string[]} args the command, without what names the data
   * @param {string} [input] what is read from standard input: secrets are no arguments
   */
  async command(args, input) {
    const running = promisify(execFile)(this.binary, [...args, '--json', '--data', this.data, '--keys', this.keys, ...this.settings]);
    // One that has nothing to read may be over before it is written to: its exit code says how it went.
    running.child.stdin.on('error', () => {});
    running.child.stdin.end(input ?? '');
    const { code = 0, stdout, stderr } = await running.catch((error) => error);
    const at = Date.now();
    const lines = code === 0 ? stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)) : [];
    return { code, stdout, stderr, at, lines, json: lines[0] };
  }

  /** A command that has to be carried out. */
  async operate(args, input) {
    const answer = await this.command(args, input);
    if (answer.code !== 0) throw new Error(`stoa ${args.join(' ')}: exit code ${answer.code}\n${answer.stderr}`);
    return answer;
  }

  /** A file of this server's own, for a certificate. */
  certificateFile() {
    this.certificates = (this.certificates ?? 0) + 1;
    return path.join(this.dir, `certificate-${this.certificates}`);
  }

  /** Makes a further app on the command line. */
  async createApp(appKey, auth = 'token') {
    const file = this.certificateFile();
    const { json } = await this.operate(['app', 'create', '--key', appKey, '--auth', auth, '--certificate-file', file]);
    const certificate = readFileSync(file, 'utf8').trim();
    const [orgName, appName] = appKey.split('#');
    return { ...json, certificate, orgName, appName };
  }

  /** Changes a setting of an app on the command line. */
  setApp(appKey, setting, value) {
    return this.operate(['app', 'set', setting, String(value), '--key', appKey]);
  }

  /** Rotates an app's certificate; resolves with the new one, and with the command's answer. */
  async rotate(appKey, overlap) {
    const file = this.certificateFile();
    const answer = await this.operate(['app', 'certificate', 'rotate', '--key', appKey, '--overlap', String(overlap), '--certificate-file', file]);
    return { answer, certificate: readFileSync(file, 'utf8').trim() };
  }

  /** The root key, which the server keeps beside its keys and writes nowhere else. */
  get rootKey() {
    return readFileSync(`${this.keys}.root`, 'utf8').trim();
  }

  get manifest() {
    return path.join(this.data, 'demo.json');
  }

  /** What the running server says of the demo now. */
  readDemo() {
    return JSON.parse(readFileSync(this.manifest, 'utf8'));
  }

  /** Starts the binary on its data, on the port it had before if it ran before, and waits until it answers. */
  async start() {
    this.lives += 1;
    const listen = this.demo ? new URL(this.demo.restUrl).host : this.listen;
    const before = existsSync(this.manifest) ? statSync(this.manifest).mtimeMs : 0;
    const out = openSync(path.join(this.logs, `out-${this.lives}.txt`), 'w');
    const err = openSync(path.join(this.logs, `err-${this.lives}.txt`), 'w');
    const page = this.demo?.demoUrl ? `127.0.0.1:${new URL(this.demo.demoUrl).port}` : '127.0.0.1:0';
    const args = ['serve', '--demo', '--data', this.data, '--keys', this.keys, '--listen', listen, '--demo-listen', page, ...this.settings];
    const [program, ...words] = [...this.under, this.binary, ...args];
    this.child = spawn(program, words, { stdio: ['ignore', out, err], env: { ...process.env, RUST_BACKTRACE: '1', STOA_LOG_LEVEL: this.logLevel } });
    closeSync(out);
    closeSync(err);
    const child = this.child;
    this.exit = new Promise((resolve) => {
      child.once('error', (error) => resolve({ error }));
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    const abandon = () => child.kill('SIGKILL');
    process.once('exit', abandon);
    this.exit.then((how) => {
      child.ended = how;
      process.off('exit', abandon);
    });
    await this.ready(child, before);
    return this;
  }

  async ready(child, before) {
    const deadline = Date.now() + READY_MS;
    for (;;) {
      if (child.ended) throw new Error(`the server ended before it was ready (${JSON.stringify(child.ended)})\n${this.logTail()}`);
      if (Date.now() > deadline) throw new Error(`the server is not ready after ${READY_MS} ms\n${this.logTail()}`);
      // The first start has the address only from demo.json; later ones keep it and are asked directly.
      if (existsSync(this.manifest) && (this.demo || statSync(this.manifest).mtimeMs > before)) {
        try {
          const demo = this.demo ?? JSON.parse(readFileSync(this.manifest, 'utf8'));
          const ca = readFileSync(demo.ca);
          const answer = await request({ method: 'GET', url: `${demo.restUrl}/healthz`, ca });
          if (answer.status === 200) {
            if (!this.demo) {
              this.demo = demo;
              this.ca = ca;
            }
            return;
          }
        } catch (error) {
          if (!(error instanceof SyntaxError) && !error.code) throw error;
        }
      }
      await pause(25);
    }
  }

  logTail() {
    const text = readFileSync(path.join(this.logs, `err-${this.lives}.txt`), 'utf8') + readFileSync(path.join(this.logs, `out-${this.lives}.txt`), 'utf8');
    return text.slice(-4000);
  }

  /** Sends SIGTERM and returns how the process ended and how long it took, in milliseconds. */
  async stop() {
    const started = performance.now();
    this.child.kill('SIGTERM');
    const how = await this.exit;
    return { ...how, ms: performance.now() - started };
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exit;
  }

  /** For the end of the run: whatever state it is in. */
  async dispose({ keep = false } = {}) {
    if (this.child && !this.child.ended) await this.kill();
    if (!keep) rmSync(this.dir, { recursive: true, force: true });
  }

  get host() {
    const url = new URL(this.demo.restUrl);
    return { name: url.hostname, port: Number(url.port) };
  }

  /** Hashes (SHA-256, base64) of the public keys that the server shows, having verified them against its CA. */
  async publicKeyHashes() {
    const { name, port } = this.host;
    const socket = tls.connect({ host: name, port, ca: this.ca, servername: name.match(/^[\d.]+$/) ? undefined : name });
    await once(socket, 'secureConnect');
    const certificates = [new X509Certificate(this.ca)];
    for (let one = socket.getPeerX509Certificate(); one; one = one.issuerCertificate) {
      certificates.push(one);
      if (one.issuerCertificate?.fingerprint256 === one.fingerprint256) break;
    }
    socket.destroy();
    return certificates.map((one) => createHash('sha256').update(one.publicKey.export({ type: 'spki', format: 'der' })).digest('base64'));
  }
}
