// Sound and pictures of a class between pages, through the server: what is seen is counted at the elements and in what the
// browsers say of their connections.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ClassDemo, keepConnections, startClassBrowser } from '../lib/class-page.js';
import { Encoder } from '../lib/encoder.js';
import { check, until } from '../lib/runner.js';

const SAM = 'student-sam';
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a page has received of each stream that its connections know: `{kind: [{frames, packets, bytes, energy}]}`. */
function received(person) {
  return person.page.evaluate(async () => {
    const found = { audio: [], video: [] };
    for (const connection of window.connections.filter((one) => one.connectionState === 'connected')) {
      for (const one of (await connection.getStats()).values()) {
        if (one.type !== 'inbound-rtp') continue;
        found[one.kind].push({ frames: one.framesDecoded ?? 0, packets: one.packetsReceived, energy: one.totalAudioEnergy ?? 0, bytes: one.bytesReceived });
      }
    }
    return found;
  });
}

const packets = async (person, kind) => (await received(person))[kind].reduce((sum, one) => sum + one.packets, 0);

/** Frames that the element has shown in which somebody is seen. */
function frames(person, user) {
  return person.page.evaluate((name) => document.querySelector(`.sc-tile[data-user="${name}"] video`)?.getVideoPlaybackQuality().totalVideoFrames ?? -1, user);
}

/** Somebody is seen moving: at least ten more frames come. */
async function sees(person, user, ms = 20_000) {
  const before = await until(`${user} is not seen`, () => frames(person, user), (count) => count > 0, ms);
  await until(`${user} stands still`, () => frames(person, user), (count) => count >= before + 10 || (count >= 0 && count < before), ms);
}

/** That many voices are heard, each with more energy than before. */
function hears(person, count, ms = 20_000) {
  return until('voices', async () => (await received(person)).audio.filter(({ energy }) => energy > 0).length, (found) => found >= count, ms);
}

async function opened(lab, cleanup) {
  const browser = await startClassBrowser();
  cleanup(() => browser.close());
  const demo = await ClassDemo.open(lab, browser);
  await demo.context.addInitScript(keepConnections);
  return demo;
}

/** Teacher and student on the stage of a class that has begun. */
async function talking(lab, cleanup) {
  const demo = await opened(lab, cleanup);
  const teacher = await demo.come('teacher');
  const student = await demo.come('student');
  await teacher.button('Start class').click();
  await Promise.all([teacher.phase(1), student.phase(1)]);
  await onStage(teacher, student, SAM, 'Sam');
  return { demo, teacher, student };
}

async function onStage(teacher, student, user, name) {
  await student.button('Raise hand').click();
  await teacher.shows(`[data-hand="${user}"]`);
  await teacher.button(`Accept ${name}`).click();
  await student.shows(`.sc-tile[data-user="${user}"]`);
}

/** Publishes what the page's devices make, by WHIP; resolves with the address at which to end it. */
async function ENCODE({ url, token }) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  window.encoder = new RTCPeerConnection();
  for (const track of stream.getTracks()) window.encoder.addTransceiver(track, { direction: 'sendonly' });
  await window.encoder.setLocalDescription();
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/sdp' };
  const answer = await fetch(url, { method: 'POST', headers, body: window.encoder.localDescription.sdp });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  await window.encoder.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
  return new URL(answer.headers.get('Location'), url).href;
}

/** Where standard tools publish and watch in the class, and the tokens for it. */
async function tools(lab, demo) {
  const room = new URLSearchParams(new URL(await demo.link('teacher')).hash.slice(1)).get('room');
  const { origin } = new URL(demo.page.url());
  return {
    origin,
    at: (protocol) => `${origin}/edu/apps/${lab.server.demo.appId}/v1/rooms/${room}/${protocol}`,
    token: (user, role) => lab.tokens.roomUser(room, user, role),
  };
}

/** Nothing of a kind comes any more, from within a second on. */
async function silence(person, kind) {
  await pause(1_000);
  const before = await received(person);
  await pause(1_500);
  // Bytes of media: what the server sends to learn what the network carries has none.
  const bytes = (found) => found[kind].map((one) => [one.bytes, one.frames]);
  check.deepEqual(bytes(await received(person)), bytes(before), `${kind} still comes`);
}

/** All calls by which bytes get into files. */
const WRITING = 'write,writev,pwrite64,pwritev,pwritev2,sendfile,copy_file_range,splice,vmsplice,mmap,io_uring_setup';

/** Of a trace with the paths of descriptors: the bytes that were written to each file, and calls after which files can be written without one. */
function written(trace) {
  const files = {};
  const unseen = [];
  const begun = {};
  for (const line of trace.split('\n')) {
    const [, thread, rest] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (!thread) continue;
    if (/^io_uring_setup|^mmap.*PROT_WRITE.*MAP_SHARED.*<\//.test(rest)) unseen.push(rest);
    const named = /\d<(\/[^>]*)>/.exec(rest)?.[1];
    if (rest.includes('<unfinished')) {
      begun[thread] = named;
      continue;
    }
    const file = rest.startsWith('<...') ? begun[thread] : named;
    const count = Number(/ = (\d+)$/.exec(rest)?.[1] ?? 0);
    if (file && !/^mmap|^<... mmap/.test(rest)) files[file] = (files[file] ?? 0) + count;
  }
  return { files, unseen };
}

export const tests = [
  {
    name: 'C144: two see and hear each other; who is muted or off the stage is neither heard nor seen, whatever is sent',
    timeout: 180_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student } = await talking(lab, cleanup);
      await Promise.all([sees(teacher, SAM), sees(student, 'teacher'), hears(teacher, 1), hears(student, 1)]);
      await teacher.act(SAM, 'Mute');
      await silence(teacher, 'audio');
      await teacher.act(SAM, 'Let speak');
      const before = await packets(teacher, 'audio');
      await until('the voice is not back', () => packets(teacher, 'audio'), (now) => now > before + 20);
      await teacher.act(SAM, 'Take off stage');
      await teacher.lacks(`.sc-tile[data-user="${SAM}"]`);
      // The student's page is made to send all the same.
      await student.page.evaluate(async () => {
        const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
        for (const connection of window.connections.filter((one) => one.connectionState === 'connected')) {
          for (const transceiver of connection.getTransceivers().filter((one) => one.direction === 'sendonly')) {
            const track = stream.getTracks().find(({ kind }) => kind === transceiver.receiver.track.kind);
            await transceiver.sender.replaceTrack(track);
          }
        }
      });
      const sent = () =>
        student.page.evaluate(async () => {
          let sum = 0;
          for (const connection of window.connections.filter((one) => one.connectionState === 'connected')) {
            for (const one of (await connection.getStats()).values()) if (one.type === 'outbound-rtp') sum += one.packetsSent;
          }
          return sum;
        });
      const was = await sent();
      await until('nothing is sent', sent, (now) => now > was + 50);
      await silence(teacher, 'video');
      await silence(teacher, 'audio');
      await sees(student, 'teacher');
      demo.quiet();
    },
  },
  {
    name: 'five see and hear each other; who is removed is gone from all; the teacher shares the screen',
    timeout: 240_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student } = await talking(lab, cleanup);
      const people = { teacher, [SAM]: student };
      for (const [user, name] of [['mei', 'Mei'], ['noor', 'Noor'], ['olga', 'Olga']]) {
        people[user] = await demo.come('student', { user, name });
        await onStage(teacher, people[user], user, name);
      }
      const names = Object.keys(people);
      for (const [own, person] of Object.entries(people)) {
        for (const other of names.filter((name) => name !== own)) await sees(person, other, 60_000);
        await hears(person, 4, 60_000);
      }
      await teacher.act('olga', 'Remove from class…');
      await teacher.button('Remove once').click();
      await people.olga.gate('over-kicked');
      for (const [own, person] of Object.entries(people)) {
        if (own === 'olga') continue;
        await person.lacks('.sc-tile[data-user="olga"]');
      }
      await teacher.button('Share screen').click();
      await student.shows('[data-screen] video');
      const shown = () => student.page.evaluate(() => document.querySelector('[data-screen] video')?.getVideoPlaybackQuality().totalVideoFrames ?? -1);
      await until('the screen is not seen', shown, (count) => count > 3, 60_000);
      demo.quiet();
    },
  },
  {
    name: 'after a restart of the server pictures are back within five seconds of it being up',
    timeout: 180_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student } = await talking(lab, cleanup);
      await Promise.all([sees(teacher, SAM), sees(student, 'teacher')]);
      demo.expected = [/net::ERR_/, /WebSocket connection to .* failed/];
      await lab.server.stop();
      await teacher.shows('[data-banner="lost"]');
      await lab.server.start();
      const up = Date.now();
      await Promise.all([teacher.live(), student.live()]);
      const old = await frames(student, 'teacher');
      await until('no picture after the restart', () => frames(student, 'teacher'), (count) => count > 0 && count !== old, 20_000);
      check.ok(Date.now() - up < 5_000, `it took ${Date.now() - up} ms`);
      await Promise.all([sees(teacher, SAM), sees(student, 'teacher')]);
      demo.quiet();
    },
  },
  {
    name: 'C004: a page publishes by WHIP and is seen in the class; a page of thirty lines watches by WHEP',
    timeout: 180_000,
    async run({ lab, cleanup }) {
      const demo = await opened(lab, cleanup);
      const student = await demo.come('student');
      const { origin, at, token } = await tools(lab, demo);
      const [teacher, viewer] = [token('teacher', 1), token('viewer', 2)];
      const post = (path, bearer, headers, body = 'v=0') => fetch(path, { method: 'POST', headers: { ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}), ...headers }, body });
      const sdp = { 'Content-Type': 'application/sdp' };
      check.equal((await post(at('whip'), undefined, sdp)).status, 401);
      check.equal((await post(at('whip'), lab.tokens.roomUser('another', 'teacher', 1), sdp)).status, 401, 'a token of another room');
      check.equal((await post(at('whip'), token('observer', 4), sdp)).status, 403);
      check.equal((await post(at('whip'), teacher, {})).status, 400);
      check.equal((await post(at('whip'), teacher, sdp)).status, 400, 'an offer without m-lines');
      check.equal((await post(at('whep'), viewer, sdp, 'v=0')).status, 400);

      const encoder = await demo.newPage('encoder');
      await encoder.route('**/whip.html', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Encoder</title>' }));
      await encoder.goto(`${origin}/whip.html`);
      const resource = await encoder.evaluate(ENCODE, { url: at('whip'), token: teacher });
      await Promise.all([sees(student, 'teacher', 40_000), hears(student, 1, 40_000)]);

      const player = await demo.newPage('player');
      const page = readFileSync(new URL('../../docs/whep.html', import.meta.url), 'utf8');
      check.ok(page.split('\n').length <= 31, 'thirty lines');
      await player.route('**/whep.html', (route) => route.fulfill({ contentType: 'text/html', body: page }));
      await player.goto(`${origin}/whep.html#${new URLSearchParams({ url: at('whep'), token: viewer })}`);
      const shown = () => player.evaluate(() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames);
      await until('nothing is played', shown, (count) => count > 10, 40_000);
      await player.close();

      check.equal((await fetch(resource, { method: 'PATCH', headers: { Authorization: `Bearer ${teacher}` } })).status, 405);
      check.equal((await fetch(resource, { method: 'DELETE', headers: { Authorization: `Bearer ${viewer}` } })).status, 404, 'somebody else ends it');
      check.equal((await fetch(resource, { method: 'DELETE', headers: { Authorization: `Bearer ${teacher}` } })).status, 200);
      await student.lacks('.sc-tile[data-user="teacher"]');
      demo.quiet();
    },
  },
  // Elsewhere there are no such packages.
  ...(process.platform !== 'linux' ? [] : [
    {
      name: 'C004: simple-whip-client of Debian publishes and is seen in the class',
      timeout: 180_000,
      async run({ lab, cleanup }) {
        const demo = await opened(lab, cleanup);
        const student = await demo.come('student');
        const { at, token } = await tools(lab, demo);
        const encoder = new Encoder({ url: at('whip'), token: token('teacher', 1) });
        cleanup(() => encoder.dispose());
        const said = (error) => {
          throw new Error(`${error.message}\nthe encoder says:\n${encoder.said.slice(-4000)}`);
        };
        await Promise.all([sees(student, 'teacher', 60_000), hears(student, 1, 60_000)]).catch(said);
        await encoder.stop();
        await student.lacks('.sc-tile[data-user="teacher"]').catch(said);
        demo.quiet();
      },
    },
    {
      name: 'sound and pictures touch no disk: what the kernel is asked to write to files while they flow has no room for them',
      timeout: 180_000,
      async run({ lab, cleanup }) {
        const { server } = lab;
        const log = path.join(server.dir, 'calls');
        await server.stop();
        // As the server's own child, so that signals and the exit code are the server's.
        server.under = ['strace', '-D', '-f', '-qq', '--seccomp-bpf', '-y', '-s', '0', '-e', 'signal=none', '-e', `trace=${WRITING}`, '-o', log];
        cleanup(async () => {
          server.under = [];
        });
        await server.start();
        const trace = () => readFileSync(log, 'utf8');
        const { demo, teacher, student } = await talking(lab, cleanup);
        await Promise.all([sees(teacher, SAM), sees(student, 'teacher'), hears(teacher, 1), hears(student, 1)]);
        const came = async () => {
          const found = await Promise.all([teacher, student].map(received));
          return found.flatMap(({ audio, video }) => [...audio, ...video]).reduce((sum, { bytes }) => sum + bytes, 0);
        };
        // The trace does see what is written: a class was made, entered and begun.
        check.ok(Object.values(written(trace()).files).reduce((sum, count) => sum + count, 0) > 10_000, 'nothing is traced');
        const [start, first] = [trace().length, await came()];
        const media = (await until('too little comes', came, (bytes) => bytes > first + 1_000_000, 90_000)) - first;
        const { files, unseen } = written(trace().slice(start));
        // What the server says of itself is no media, and goes where the test sends it.
        const stored = Object.entries(files).filter(([file]) => !file.startsWith(server.logs) && !file.startsWith('/dev/'));
        const bytes = stored.reduce((sum, [, count]) => sum + count, 0);
        check.ok(bytes < media / 10, `${bytes} bytes for ${media} of media: ${JSON.stringify(stored)}`);
        check.deepEqual(written(trace()).unseen.concat(unseen), []);
        demo.quiet();
        await server.stop();
        server.under = [];
        await server.start();
      },
    },
  ]),
];
