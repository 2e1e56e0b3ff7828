// The page of a class, with the links of /classroom/demo: teacher and student hold a class in two windows.
//
// PICTURES=DIR writes the pictures of docs/images there.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessible, ClassDemo, DESKTOP, keepConnections, PHONE, startClassBrowser } from '../lib/class-page.js';
import { check, until } from '../lib/runner.js';
import { Server } from '../lib/server.js';

/** Opens the page with the links, in a browser of its own. */
async function opened(lab, cleanup, options) {
  const browser = await startClassBrowser();
  cleanup(() => browser.close());
  return ClassDemo.open(lab, browser, options);
}

/** Teacher and student in the class, which has begun. */
async function begun(lab, cleanup, options) {
  const demo = await opened(lab, cleanup, options);
  const teacher = await demo.come('teacher');
  const student = await demo.come('student');
  await teacher.button('Start class').click();
  await Promise.all([teacher.phase(1), student.phase(1)]);
  return { demo, teacher, student };
}

const SAM = 'student-sam';
const LIBRARY = fileURLToPath(new URL('../../web/dist/library', import.meta.url));

export const tests = [
  {
    name: 'a class from the links to its end: hands, the stage, chat, a star',
    timeout: 120_000,
    async run({ lab, secrets, cleanup }) {
      const demo = await opened(lab, cleanup);
      check.equal(new URL(demo.page.url()).hash, '', 'the code does not stay in the address');
      const teacher = await demo.come('teacher', { check: true });
      await teacher.shows('[data-page="check"] [data-camera="on"]');
      await teacher.button('Enter the class').click();
      await teacher.live();
      await teacher.shows('[data-banner="waiting"]');
      const student = await demo.come('student');
      await student.shows('[data-banner="waiting"]');
      check.equal(await student.button('Start class').count(), 0, 'a student starts no class');
      await teacher.button('Start class').click();
      await Promise.all([teacher.phase(1), student.phase(1)]);

      await student.button('Raise hand').click();
      await teacher.shows(`[data-hand="${SAM}"]`);
      await student.button('Lower hand').click();
      await teacher.lacks(`[data-hand="${SAM}"]`);
      await student.button('Raise hand').click();
      await teacher.button('Accept Sam').click();
      for (const person of [teacher, student]) await person.shows(`.sc-tile[data-user="${SAM}"]`);
      await teacher.lacks(`[data-hand="${SAM}"]`);
      // On the stage the student's own devices open.
      await student.shows(`.sc-tile[data-user="${SAM}"][data-video="on"][data-mic="on"]`);
      await teacher.shows(`.sc-tile[data-user="${SAM}"][data-mic="on"]`);
      await student.button('Mute').click();
      await teacher.shows(`.sc-tile[data-user="${SAM}"][data-mic="off"]`);
      await student.button('Unmute').click();
      await teacher.shows(`.sc-tile[data-user="${SAM}"][data-mic="on"]`);
      await teacher.button('Mute all').click();
      await student.shows(`.sc-tile[data-user="${SAM}"][data-mic="off"]`);
      await teacher.act(SAM, 'Give a star');
      for (const person of [teacher, student]) await person.page.locator('.sc-tile__stars', { hasText: '1' }).waitFor();

      const [question, answer] = [secrets.text('what is this?'), secrets.text('a triangle')];
      await teacher.write(question);
      await student.reads(question);
      await student.write(answer);
      await teacher.reads(answer);
      await teacher.page.getByRole('switch', { name: 'Students may write' }).click();
      await student.shows('.sc-chat__silent');
      await teacher.page.getByRole('switch', { name: 'Students may write' }).click();
      await student.page.getByRole('textbox', { name: 'Write to everyone' }).waitFor();

      await student.button('Leave stage').click();
      await teacher.lacks(`.sc-tile[data-user="${SAM}"]`);
      await teacher.act(SAM, 'Invite to stage');
      await student.shows('[data-dialog="invitation"]');
      await student.button('Not now').click();
      await student.lacks('[data-dialog="invitation"]');
      await teacher.act(SAM, 'Invite to stage');
      await student.button('Go on stage').click();
      await teacher.shows(`.sc-tile[data-user="${SAM}"]`);

      await teacher.button('Leave', { exact: true }).click();
      await teacher.button('End class').click();
      await Promise.all([teacher.shows('[data-banner="overtime"]'), student.shows('[data-banner="overtime"]')]);
      await teacher.button('Close the class').click();
      await Promise.all([teacher.gate('over-closed'), student.gate('over-closed')]);
      demo.quiet();
    },
  },
  {
    name: 'a poll, a quiz and a countdown',
    timeout: 120_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student } = await begun(lab, cleanup);
      await teacher.tool('Poll');
      await teacher.page.getByLabel('Question').fill('Shall we have a break?');
      await teacher.page.getByLabel('Option 1').fill('Yes');
      await teacher.page.locator('[data-dialog="poll"]').getByRole('button', { name: 'Start' }).click();
      await teacher.page.getByRole('alert').waitFor();
      await teacher.page.getByLabel('Option 2').fill('No');
      await teacher.page.locator('[data-dialog="poll"]').getByRole('button', { name: 'Start' }).click();
      const poll = student.page.locator('[data-tool="poll"]');
      await poll.getByRole('radio', { name: 'Yes' }).check();
      await poll.getByRole('button', { name: 'Send answer' }).click();
      await poll.getByText('Your answer was sent.').waitFor();
      const result = teacher.page.locator('[data-tool="poll"] .sc-results li', { hasText: 'Yes' });
      await result.getByText('100 % · 1').waitFor();
      await teacher.page.locator('[data-tool="poll"]').getByRole('button', { name: 'End' }).click();
      await student.shows('[data-tool="poll"][data-running="false"]');
      await teacher.page.locator('[data-tool="poll"]').getByRole('button', { name: 'Put away' }).click();
      await student.lacks('[data-tool="poll"]');

      await teacher.tool('Quiz');
      await teacher.page.locator('[data-dialog="quiz"]').getByRole('button', { name: 'B', exact: true }).click();
      await teacher.page.locator('[data-dialog="quiz"]').getByRole('button', { name: 'Start' }).click();
      const quiz = student.page.locator('[data-tool="quiz"]');
      await quiz.getByRole('button', { name: 'A', exact: true }).click();
      await quiz.getByRole('button', { name: 'Send answer' }).click();
      await quiz.getByText('Your answer: A').waitFor();
      check.equal(await quiz.locator('[data-right="true"]').count(), 0, 'what is right is not shown before the end');
      await teacher.page.locator('[data-tool="quiz"] .sc-answers', { hasText: 'Sam' }).waitFor();
      await teacher.page.locator('[data-tool="quiz"]').getByRole('button', { name: 'End' }).click();
      await quiz.getByText('Right: B').waitFor();
      await quiz.getByText('Not this time.').waitFor();

      await teacher.tool('Countdown');
      await teacher.page.getByLabel('Minutes').fill('1');
      await teacher.page.locator('[data-dialog="countdown"]').getByRole('button', { name: 'Start' }).click();
      await student.page.locator('.sc-countdown', { hasText: /^00:5\d|^01:00/ }).waitFor();
      await teacher.page.locator('[data-tool="countdown"]').getByRole('button', { name: 'Pause' }).click();
      await student.page.locator('[data-tool="countdown"]').getByText('Paused').waitFor();
      demo.quiet();
    },
  },
  {
    name: 'removed, banned, displaced, and gone by oneself: each has a page of its own',
    timeout: 120_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student } = await begun(lab, cleanup);
      await teacher.act(SAM, 'Remove from class…');
      await teacher.button('Remove once').click();
      await student.gate('over-kicked');
      await student.accessible('kicked');
      await student.button('Go back in').click();
      await student.live();
      const again = await demo.come('student');
      await student.gate('over-displaced');
      await student.accessible('displaced');
      await student.page.close();
      await teacher.act(SAM, 'Remove from class…');
      await teacher.button('Remove and ban').click();
      await again.gate('over-banned');
      demo.expected = [/403 \(Forbidden\)/, /404 \(Not Found\)/, /409 \(Conflict\)/, /410 \(Gone\)/];
      await again.page.reload();
      await again.gate('failed-banned');
      await again.accessible('banned');
      const mei = await demo.come('student', { user: 'mei', name: 'Mei' });
      await mei.panel('People');
      await mei.shows('[data-person="teacher"]');
      await teacher.button('Leave', { exact: true }).click();
      await teacher.page.locator('[data-dialog="leave"]').getByRole('button', { name: 'Leave' }).click();
      await teacher.gate('over-left');
      // Whoever leaves says so, and is not awaited.
      await mei.lacks('[data-person="teacher"]');
      check.deepEqual(teacher.page.said.filter((text) => text === '{"type":"leave"}').length, 1);
      const second = await demo.come('teacher', { user: 'another' });
      const page = await demo.newPage('third');
      await page.goto(await demo.link('student', { room: 'there-is-no-such-room', role: '9' }));
      await page.locator('[data-gate="closed"]').waitFor();
      await second.live();
      demo.quiet();
    },
  },
  {
    name: 'the server goes away and comes back, and the class goes on',
    timeout: 120_000,
    async run({ lab, secrets, cleanup }) {
      const { demo, teacher, student } = await begun(lab, cleanup);
      demo.expected = [/net::ERR_CONNECTION_REFUSED/, /WebSocket connection to .* failed/, /net::ERR_/];
      await lab.server.stop();
      await teacher.shows('[data-banner="lost"]');
      await teacher.accessible('reconnecting');
      await lab.server.start();
      await Promise.all([teacher.live(), student.live()]);
      await student.button('Raise hand').click();
      await teacher.shows(`[data-hand="${SAM}"]`);
      const text = secrets.text('after the restart');
      await teacher.write(text);
      await student.reads(text);
      demo.quiet();
    },
  },
  {
    name: 'what each role sees and can do',
    timeout: 180_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student } = await begun(lab, cleanup);
      const assistant = await demo.come('Assistant');
      const observer = await demo.come('Observer');
      const invisible = await demo.come('student', { user: 'recorder', role: '0' });
      const people = { teacher, assistant, student, observer, invisible };
      /** Who has which control. */
      const matrix = [
        ['.sc-dock', 'Mute', ['teacher']],
        ['.sc-dock', 'Share screen', ['teacher', 'assistant']],
        ['.sc-dock', 'Tools', ['teacher', 'assistant']],
        ['.sc-dock', 'Raise hand', ['student']],
        ['.sc-people__foot', 'Mute all', ['teacher', 'assistant']],
        ['.sc-people__foot', 'Clear stage', ['teacher', 'assistant']],
        [`.sc-person[data-person="${SAM}"]`, 'Acts for Sam', ['teacher', 'assistant']],
        ['.sc-person[data-person="assistant"]', 'Acts for Ada', ['teacher']],
        ['.sc-person[data-person="teacher"]', 'Acts for Tina', []],
      ];
      for (const [role, person] of Object.entries(people)) {
        await person.panel('People');
        for (const [where, name, roles] of matrix) {
          const there = await person.page.locator(where).getByRole('button', { name, exact: true }).count();
          check.equal(there, roles.includes(role) ? 1 : 0, `${role}: ${name}`);
        }
        check.deepEqual((await person.page.locator('[data-person]').evaluateAll((rows) => rows.map((row) => row.dataset.person))).sort(), ['assistant', SAM, 'teacher'], `${role}: who is listed`);
        await person.panel('Chat');
        const writes = await person.page.getByRole('textbox', { name: 'Write to everyone' }).count();
        check.equal(writes, ['observer', 'invisible'].includes(role) ? 0 : 1, `${role}: writes`);
      }
      demo.quiet();
    },
  },
  ...['light', 'dark'].map((scheme) => ({
    name: `${scheme}, on a desktop and on a phone, in English and Chinese: no grave accessibility finding`,
    timeout: 180_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student } = await begun(lab, cleanup, { scheme, viewport: DESKTOP });
      await accessible(demo.page, `${scheme}: links`);
      const checking = await demo.come('student', { user: 'mei', name: 'Mei', check: true });
      await checking.shows('[data-page="check"] [data-camera="on"]');
      await checking.accessible(`${scheme}: check`);
      await checking.page.setViewportSize(PHONE);
      await checking.fits();
      await student.button('Raise hand').click();
      await teacher.shows(`[data-hand="${SAM}"]`);
      await teacher.accessible(`${scheme}: a hand`);
      await teacher.button('Accept Sam').click();
      await student.shows(`.sc-tile[data-user="${SAM}"]`);
      for (const layout of ['Speaker', 'Stage', 'Grid']) {
        await teacher.page.getByRole('radio', { name: layout }).check({ force: true });
        await teacher.accessible(`${scheme}: ${layout}`);
      }
      await teacher.page.locator(`.sc-tile[data-user="${SAM}"]`).getByRole('button', { name: 'Acts for Sam' }).click();
      await teacher.accessible(`${scheme}: acts`);
      await teacher.page.keyboard.press('Escape');
      for (const [name, kind] of [['Poll', 'poll'], ['Quiz', 'quiz'], ['Countdown', 'countdown']]) {
        await teacher.tool(name);
        await teacher.shows(`[data-dialog="${kind}"]`);
        await teacher.accessible(`${scheme}: ${name}`);
        await teacher.page.keyboard.press('Escape');
        await teacher.lacks(`[data-dialog="${kind}"]`);
      }
      await teacher.tool('Quiz');
      await teacher.page.locator('[data-dialog="quiz"]').getByRole('button', { name: 'C', exact: true }).click();
      await teacher.page.locator('[data-dialog="quiz"]').getByRole('button', { name: 'Start' }).click();
      await student.shows('[data-tool="quiz"]');
      await student.accessible(`${scheme}: quiz`);
      await teacher.button('Settings').click();
      await teacher.accessible(`${scheme}: settings`);
      await teacher.page.locator('[data-dialog="settings"]').getByText('中文').click();
      await teacher.page.getByRole('heading', { name: '设置' }).waitFor();
      await teacher.accessible(`${scheme}: Chinese`);
      await teacher.page.keyboard.press('Escape');
      await student.write('Is it C?');
      await student.page.setViewportSize(PHONE);
      await student.fits();
      await student.accessible(`${scheme}: phone`);
      await student.button('Leave', { exact: true }).click();
      await student.accessible(`${scheme}: leave`);
      demo.quiet();
    },
  })),
  {
    name: 'a student goes through the class by keyboard alone',
    timeout: 120_000,
    async run({ lab, secrets, cleanup }) {
      const { demo, teacher, student } = await begun(lab, cleanup);
      const { page } = student;
      const reach = async (name) => {
        const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent);
        for (let presses = 0; (await focused()) !== name; presses += 1) {
          check.ok(presses < 60, `${name} cannot be reached by keyboard`);
          await page.keyboard.press('Tab');
        }
      };
      await page.bringToFront();
      await reach('Raise hand');
      await page.keyboard.press('Enter');
      await teacher.shows(`[data-hand="${SAM}"]`);
      await reach('Write to everyone');
      const text = secrets.text('typed');
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
      await teacher.reads(text);
      await reach('Leave');
      await page.keyboard.press('Space');
      await student.shows('[data-dialog="leave"]');
      await page.keyboard.press('Escape');
      await student.lacks('[data-dialog="leave"]');
      demo.quiet();
    },
  },
  {
    name: 'the other types of rooms',
    timeout: 180_000,
    async run({ lab, cleanup }) {
      const demo = await opened(lab, cleanup);
      for (const [name, words] of [['One to one', 'Mute'], ['Lecture', 'Raise hand'], ['Cloud class', 'Raise hand']]) {
        await demo.another(name);
        const teacher = await demo.come('teacher');
        const student = await demo.come('student');
        await student.button(words).waitFor();
        const seen = name === 'Lecture' ? 0 : 1;
        if (seen) await teacher.shows(`.sc-tile[data-user="${SAM}"]`);
        check.equal(await teacher.page.locator(`.sc-tile[data-user="${SAM}"]`).count(), seen, name);
        if (name !== 'One to one') {
          await student.button('Raise hand').click();
          await teacher.panel('People');
          await teacher.shows(`[data-hand="${SAM}"]`);
          await teacher.button('Lower Sam’s hand').click();
          await student.button('Raise hand').waitFor();
        }
        await teacher.page.close();
        await student.page.close();
      }
      demo.quiet();
    },
  },
  {
    name: 'an app embeds the class in a page of its own: the launch API',
    timeout: 120_000,
    async run({ lab, secrets, cleanup }) {
      const demo = await opened(lab, cleanup);
      const said = new URLSearchParams(new URL(await demo.link('student')).hash.slice(1));
      const roomUuid = said.get('room');
      const { appId, token } = await ticket(demo, { roomUuid, userUuid: 'embedded', role: 2 });
      secrets.token(token);
      const context = await lab.browser.newContext({ reducedMotion: 'reduce' });
      cleanup(() => context.close());
      const page = await context.newPage();
      const errors = [];
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      await page.goto(lab.pages.origin);
      await page.addStyleTag({ path: path.join(LIBRARY, 'stoa-classroom.css') });
      await page.addScriptTag({ path: path.join(LIBRARY, 'stoa-classroom.js') });
      await page.evaluate(() => document.body.append(Object.assign(document.createElement('div'), { id: 'class', style: 'height: 700px' })));
      // C201, C202: where calls go, and what is wrong is said.
      const problems = await page.evaluate(([host, id]) => {
        const { AgoraEduSDK } = window;
        const dom = document.getElementById('class');
        const good = { userUuid: 'embedded', userName: 'Embla', roomUuid: 'r', roomName: 'Room', roleType: 2, roomType: 4, rtmToken: 't', pretest: false, language: 'en', duration: 60, listener: () => {} };
        const problem = (change) => {
          try {
            AgoraEduSDK.launch(dom, { ...good, ...change });
            return 'none';
          } catch (error) {
            return error.message;
          }
        };
        const early = problem({});
        AgoraEduSDK.config({ appId: id, region: 'EU' });
        AgoraEduSDK.setParameters(JSON.stringify({ host }));
        return [early, problem({ userUuid: '' }), problem({ roleType: 7 }), problem({ roomType: 3 }), problem({ rtmToken: '' })];
      }, [lab.server.demo.restUrl, appId]);
      check.match(problems.join('\n'), /config[^\n]*\nuserUuid[^\n]*\nInvalid roleType[^\n]*\nInvalid roomType[^\n]*\ntoken/);
      await page.evaluate(([room, given]) => {
        window.heard = [];
        const option = { userUuid: 'embedded', userName: 'Embla', roomUuid: room, roomName: 'Demo class', roleType: 2, roomType: 4, rtmToken: 'an older name', token: given, pretest: false, language: 'zh', uiMode: 'dark', duration: 2700, listener: (...event) => window.heard.push(event) };
        window.destroy = window.AgoraEduSDK.launch(document.getElementById('class'), option);
        window.again = window.AgoraEduSDK.launch(document.getElementById('class'), option);
      }, [roomUuid, token]);
      await page.locator('[data-page="room"][data-link="live"]').waitFor({ timeout: 30_000 }).catch(async (error) => {
        throw new Error(`${error.message}\n${await page.locator('#class').innerText()}\n${errors.join('\n')}`);
      });
      await page.locator('.sc-root[data-theme="dark"]').getByRole('button', { name: '举手' }).waitFor();
      check.ok(errors.some((text) => /open already/.test(text)), 'C204: the second launch is an error');
      await page.evaluate(() => window.again());
      await page.locator('[data-page="room"]').waitFor();
      const teacher = await demo.come('teacher');
      await teacher.button('Start class').click();
      await page.locator('[data-phase="1"]').waitFor();
      await teacher.act('embedded', 'Bring on stage');
      await page.locator('.sc-tile[data-user="embedded"]').waitFor();
      await teacher.act('embedded', 'Remove from class…');
      await teacher.button('Remove once').click();
      await page.locator('[data-page="over-kicked"]').waitFor();
      await page.evaluate(() => window.destroy());
      check.equal(await page.locator('#class > *').count(), 0, 'the element is empty again');
      const heard = await page.evaluate(() => window.heard.map(([number, detail]) => (typeof detail === 'number' ? [number, detail] : [number])));
      const classEvents = heard.filter(([number]) => number !== 201);
      check.deepEqual(classEvents, [[202, 0], [1], [202, 1], [106], [107], [101], [2, 1]]);
    },
  },
  {
    name: 'what an app asks of media at launch has effect: the codec, and a delay for who only watches',
    timeout: 120_000,
    async run({ lab, secrets, cleanup }) {
      const demo = await opened(lab, cleanup);
      const teacher = await demo.come('teacher');
      await teacher.button('Start class').click();
      let speaker;
      for (const codec of ['VP9', 'H264']) {
        const userUuid = `speaks-${codec}`;
        speaker = await launched(demo, secrets, cleanup, { userUuid, roleType: 2, mediaOptions: { web: { codec } } });
        await teacher.act(userUuid, 'Bring on stage');
        await teacher.shows(`.sc-tile[data-user="${userUuid}"][data-video="on"]`);
        check.deepEqual(await codecsOf(speaker), [`video/${codec}`]);
        // And it is seen: the picture moves.
        await teacher.page.waitForFunction((user) => document.querySelector(`.sc-tile[data-user="${user}"] video`)?.getVideoPlaybackQuality().totalVideoFrames > 5, userUuid, { timeout: 40_000 });
      }
      const targets = (page) => page.evaluate(() => window.connections.flatMap((connection) => connection.getTransceivers().filter(({ direction }) => direction === 'recvonly').map(({ receiver }) => receiver.jitterBufferTarget)));
      check.deepEqual([...new Set(await targets(speaker))], [null], 'who is on the stage hears at once');
      const watcher = await launched(demo, secrets, cleanup, { userUuid: 'watcher', roleType: 4, latencyLevel: 1 });
      await watcher.locator('.sc-tile[data-user="speaks-H264"][data-video="on"]').waitFor({ timeout: 40_000 });
      check.deepEqual([...new Set(await targets(watcher))], [1500]);
    },
  },
  ...(process.env.PICTURES ? [{ name: 'pictures', run: pictures, timeout: 180_000 }] : []),
];

/** In which codecs a page sends pictures, once it has sent some. */
async function codecsOf(page) {
  const sending = () => page.evaluate(async () => {
    const stats = (await Promise.all(window.connections.map((connection) => connection.getStats()))).flatMap((report) => [...report.values()]);
    const sent = stats.filter(({ type, kind, framesEncoded }) => type === 'outbound-rtp' && kind === 'video' && framesEncoded > 5);
    return sent.map(({ codecId }) => stats.find(({ id }) => id === codecId)?.mimeType);
  });
  return [...new Set(await until('no picture is sent', sending, (sent) => sent.length > 0, 40_000))];
}

/** A token for the demo's class, as the page with the links gets it. */
function ticket(demo, who) {
  return demo.page.evaluate(async (body) => {
    const answer = await fetch('/demo/class-tokens', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return answer.json();
  }, who);
}

/** A page that opens the demo's class by the library, with an app's options; its connections are kept. */
async function launched(demo, secrets, cleanup, option) {
  const room = new URLSearchParams(new URL(await demo.link('student')).hash.slice(1)).get('room');
  const { appId, token } = await ticket(demo, { roomUuid: room, userUuid: option.userUuid, role: option.roleType });
  secrets.token(token);
  const context = await demo.browser.newContext({ reducedMotion: 'reduce', bypassCSP: true });
  cleanup(() => context.close());
  const page = await context.newPage();
  const errors = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.addInitScript(keepConnections);
  // The page with the links is where devices may be used; what it shows makes room for the class.
  await page.goto(new URL('/classroom/demo', demo.page.url()).href);
  await page.evaluate(() => document.body.replaceChildren(Object.assign(document.createElement('div'), { id: 'class', style: 'height: 700px' })));
  await page.addStyleTag({ path: path.join(LIBRARY, 'stoa-classroom.css') });
  await page.addScriptTag({ path: path.join(LIBRARY, 'stoa-classroom.js') });
  await page.evaluate(([id, said]) => {
    window.AgoraEduSDK.config({ appId: id });
    window.AgoraEduSDK.launch(document.getElementById('class'), { roomType: 4, pretest: false, language: 'en', duration: 2700, listener: () => {}, ...said });
  }, [appId, { userName: option.userUuid, roomUuid: room, roomName: 'Demo class', token, ...option }]);
  await page.locator('[data-page="room"][data-link="live"]').waitFor({ timeout: 30_000 }).catch(async (error) => {
    throw new Error(`${error.message}\n${await page.locator('body').innerText()}\n${errors.join('\n')}`);
  });
  return page;
}

/** The pictures of the documentation. */
async function pictures({ lab, binary, cleanup }) {
  const folder = process.env.PICTURES;
  const server = new Server(binary, 'class-pictures', 'info');
  cleanup(() => server.dispose());
  await server.start();
  const own = { ...lab, server };
  for (const scheme of ['light', 'dark']) {
    const { demo, teacher, student } = await begun(own, cleanup, { scheme, viewport: DESKTOP });
    if (scheme === 'light') await demo.page.screenshot({ path: path.join(folder, 'class-links.png') });
    const others = [await demo.come('Mei'), await demo.come('Noor')];
    for (const [user, name] of [[SAM, 'Sam'], ['student-mei', 'Mei']]) {
      await teacher.act(user, 'Bring on stage');
      await teacher.shows(`.sc-tile[aria-label*="${name}"]`);
    }
    await teacher.act(SAM, 'Give a star');
    await others[1].button('Raise hand').click();
    await teacher.shows('[data-hand="student-noor"]');
    await teacher.write('Good morning! Which of these is a right angle?');
    await student.reads('right angle');
    await student.write('The second one, I think.');
    await teacher.reads('second one');
    await teacher.tool('Quiz');
    await teacher.page.locator('[data-dialog="quiz"]').getByRole('button', { name: 'B', exact: true }).click();
    await teacher.page.locator('[data-dialog="quiz"]').getByRole('button', { name: 'Start' }).click();
    await student.shows('[data-tool="quiz"]');
    await teacher.panel('People');
    // What was told in passing is not of the picture.
    for (const person of [teacher, student]) await person.page.locator('.sc-toast').first().waitFor({ state: 'detached', timeout: 30_000 });
    for (const [person, name] of [[teacher, 'teacher'], [student, 'student']]) {
      await person.page.bringToFront();
      await person.page.waitForTimeout(500);
      await person.page.screenshot({ path: path.join(folder, `class-${name}-${scheme}.png`) });
      await person.page.setViewportSize(PHONE);
      if (person === student) await person.page.locator('[data-tool="quiz"][data-folded="true"] .sc-card__fold').click();
      await person.page.waitForTimeout(500);
      await person.page.screenshot({ path: path.join(folder, `class-${name}-phone-${scheme}.png`) });
    }
    if (scheme === 'light') {
      const checking = await demo.come('Otto', { role: '2', user: 'student-otto', check: true });
      await checking.shows('[data-page="check"] [data-camera="on"]');
      await checking.page.screenshot({ path: path.join(folder, 'class-check.png') });
      await checking.page.close();
      await groupPictures(folder, teacher, student);
    }
    await demo.dispose();
  }
}

/** The teacher's view of groups, and a student's within one. */
async function groupPictures(folder, teacher, student) {
  await teacher.page.setViewportSize(DESKTOP);
  await teacher.page.locator('[data-tool="quiz"]').getByRole('button', { name: 'End' }).click();
  await teacher.page.locator('[data-tool="quiz"]').getByRole('button', { name: 'Put away' }).click();
  await teacher.tool('Groups');
  for (const [name, place] of [['Sam', 'Group 1'], ['Mei', 'Group 1'], ['Noor', 'Group 2']]) {
    await teacher.page.getByRole('combobox', { name: `Group of ${name}` }).selectOption(place);
  }
  await teacher.button('Open the groups').click();
  await student.page.locator('[data-banner="group"]', { hasText: 'with Mei' }).waitFor();
  await student.write('Shall we begin with the second one?');
  await student.shows('.sc-tile[data-user="student-mei"][data-video="on"]');
  for (const [person, name] of [[teacher, 'class-groups'], [student, 'class-group-phone']]) {
    await person.page.locator('.sc-toast').first().waitFor({ state: 'detached', timeout: 30_000 });
    await person.page.bringToFront();
    await person.page.waitForTimeout(500);
    await person.page.screenshot({ path: path.join(folder, `${name}.png`) });
  }
}
