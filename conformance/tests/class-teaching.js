// What a teacher does with a class: figures of all streams, the stage in turns, private words and announcements, groups;
// and the same on a phone.

import { ClassDemo, PHONE, startClassBrowser } from '../lib/class-page.js';
import { check } from '../lib/runner.js';

const SAM = 'student-sam';
const MEI = 'student-mei';

/** A class that has begun: the teacher, Sam, and who else is named. */
async function begun(lab, cleanup, { others = [], ...options } = {}) {
  const browser = await startClassBrowser();
  cleanup(() => browser.close());
  const demo = await ClassDemo.open(lab, browser, options);
  const teacher = await demo.come('teacher');
  const student = await demo.come('student');
  const more = [];
  for (const name of others) more.push(await demo.come(name));
  await teacher.button('Start class').click();
  await Promise.all([teacher, student, ...more].map((person) => person.phase(1)));
  return { demo, teacher, student, more };
}

const group = (person, name) => person.page.locator(`.sc-group[data-group="${name}"]`);
const member = (person, name, user) => group(person, name).locator(`[data-member="${user}"]`);
/** Nothing covers what is in the middle of an element. */
const seen = (person, selector) =>
  person.at(selector).evaluate((element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    const found = document.elementFromPoint(left + width / 2, top + height / 2);
    return element.contains(found) && height > 60;
  });

/** Puts the students who are there into two groups by hand and opens them. */
async function openGroups(teacher, places, { ask = false } = {}) {
  await teacher.tool('Groups');
  await teacher.shows('[data-groups="plan"]');
  for (const [name, place] of places) await teacher.page.getByRole('combobox', { name: `Group of ${name}` }).selectOption(place);
  if (ask) await teacher.page.getByRole('switch', { name: 'Students are asked first' }).click();
  await teacher.button('Open the groups').click();
  await group(teacher, 'Group 1').waitFor();
}

export const tests = [
  {
    name: 'the teacher sees how all streams do; a student sees the own connection alone',
    timeout: 120_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student } = await begun(lab, cleanup);
      await teacher.act(SAM, 'Bring on stage');
      await student.shows(`.sc-tile[data-user="${SAM}"][data-video="on"][data-mic="on"]`);
      await teacher.page.locator('.sc-header .sc-net').click();
      const panel = teacher.page.locator('[data-dialog="network"]');
      for (const name of ['Tina', 'Sam']) {
        for (const kind of ['Sound', 'Picture']) {
          const row = panel.locator('tbody tr', { has: teacher.page.getByRole('rowheader', { name }), hasText: kind });
          // Something has come in, and the other one watches it.
          await row.filter({ hasText: /[1-9]\d* kbit\/s/ }).waitFor({ timeout: 30_000 });
          await row.locator('td').last().filter({ hasText: /^1$/ }).waitFor({ timeout: 30_000 });
        }
      }
      await panel.getByText('Delay', { exact: true }).first().waitFor();
      await teacher.accessible('statistics');
      await teacher.page.setViewportSize(PHONE);
      await teacher.fits();
      await teacher.accessible('statistics on a phone');
      await student.page.locator('.sc-header .sc-net').click();
      await student.page.locator('[data-dialog="network"] .sc-figures').waitFor();
      check.equal(await student.page.locator('[data-dialog="network"] table').count(), 0, 'a student reads no figures of others');
      demo.quiet();
    },
  },
  {
    name: 'C081, C082: students take turns on the stage until the teacher stops it',
    timeout: 120_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student } = await begun(lab, cleanup, { others: ['Mei'] });
      await teacher.tool('Stage in turns');
      const dialog = teacher.page.locator('[data-dialog="carousel"]');
      await teacher.accessible('turns');
      await dialog.getByLabel('Seconds on stage').fill('5');
      await dialog.getByRole('button', { name: 'Start' }).click();
      await dialog.getByRole('alert').getByText('10 to 99').waitFor();
      await dialog.getByLabel('Seconds on stage').fill('10');
      for (let count = 3; count > 1; count -= 1) await dialog.getByRole('button', { name: 'One less' }).click();
      await dialog.getByRole('button', { name: 'Start' }).click();
      await teacher.shows('[data-banner="carousel"]');
      check.equal(await student.page.locator('[data-banner="carousel"]').count(), 0, 'it is for those who teach');
      await teacher.accessible('turns go');
      for (const user of [MEI, SAM]) await teacher.shows(`.sc-tile[data-user="${user}"]`);
      await teacher.button('Stop turns').click();
      await teacher.lacks('[data-banner="carousel"]');
      // While groups are open nobody comes on the stage, and the teacher is told so.
      await openGroups(teacher, [['Sam', 'Group 1']]);
      await teacher.tool('Stage in turns');
      demo.expected = [/409 \(Conflict\)/];
      await dialog.getByRole('button', { name: 'Start' }).click();
      await dialog.getByRole('alert').getByText('while groups are open').waitFor();
      demo.quiet();
    },
  },
  {
    name: 'C109, C110: what a student writes to the teachers is read by them alone, also while writing is off; an announcement is for all',
    timeout: 120_000,
    async run({ lab, secrets, cleanup }) {
      const { demo, teacher, student, more: [mei] } = await begun(lab, cleanup, { others: ['Mei'] });
      const [question, answer, notice] = [secrets.text('may I go earlier?'), secrets.text('you may'), secrets.text('homework is due')];
      await teacher.panel('Chat');
      await teacher.page.getByRole('switch', { name: 'Students may write' }).click();
      await student.panel('Chat');
      await student.shows('.sc-chat__silent');
      await student.accessible('muted');
      await student.button('Write to the teachers').click();
      const toTeachers = student.page.getByRole('textbox', { name: 'Write to the teachers' });
      await toTeachers.fill(question);
      await toTeachers.press('Enter');
      await student.shows('.sc-message--mine[data-state="sent"]');
      await student.accessible('private');
      // The teacher is told, finds it in the list, and answers.
      await teacher.page.locator('.sc-toast', { hasText: question }).waitFor();
      await teacher.talkTo('Private');
      await teacher.accessible('conversations');
      await teacher.page.locator(`[data-talk="${SAM}"]`).click();
      await teacher.page.locator('.sc-message', { hasText: question }).waitFor();
      await teacher.page.getByRole('textbox', { name: 'Write to Sam' }).fill(answer);
      await teacher.page.keyboard.press('Enter');
      await student.page.locator('.sc-message', { hasText: answer }).waitFor();
      // Who comes in later reads it again, and nobody else does.
      const ada = await demo.come('Assistant');
      await ada.talkTo('Private');
      await ada.page.locator(`[data-talk="${SAM}"]`).click();
      for (const text of [question, answer]) await ada.page.locator('.sc-message', { hasText: text }).waitFor();
      await mei.talkTo('Teachers only');
      await mei.page.getByText('Between you and the teachers').waitFor();
      check.equal(await mei.page.getByText(question).count(), 0);

      await teacher.talkTo('Everyone');
      await teacher.button('Write an announcement').click();
      await teacher.accessible('an announcement is written');
      await teacher.page.getByRole('textbox', { name: 'Announcement' }).fill(notice);
      await teacher.button('Show to all').click();
      await mei.talkTo('Everyone');
      for (const person of [teacher, mei]) await person.page.locator('[data-announcement]', { hasText: notice }).waitFor();
      await mei.accessible('announcement');
      const noor = await demo.come('Noor');
      await noor.page.locator('[data-announcement]', { hasText: notice }).waitFor();
      check.equal(await noor.button('Take the announcement down').count(), 0, 'it is taken down by those who teach');
      await teacher.button('Take the announcement down').click();
      await mei.lacks('[data-announcement]');
      demo.quiet();
    },
  },
  {
    name: 'C113, C117: groups from their plan to their end: in, moved, looked into, written to, asked for help, back',
    timeout: 240_000,
    async run({ lab, secrets, cleanup }) {
      const { demo, teacher, student, more: [mei] } = await begun(lab, cleanup, { others: ['Mei'] });
      await teacher.tool('Groups');
      await teacher.accessible('groups are planned');
      await teacher.button('Close panel').click();
      await openGroups(teacher, [['Sam', 'Group 1'], ['Mei', 'Group 2']]);
      await teacher.accessible('groups are open');
      for (const [person, name] of [[student, 'Group 1'], [mei, 'Group 2']]) {
        await person.page.locator('[data-banner="group"]', { hasText: name }).waitFor();
        await person.shows('[data-room="group"][data-link="live"]');
      }
      await student.accessible('in a group');
      // Who is in the same group is seen and written to; the other group and the class hear nothing of it.
      await member(teacher, 'Group 2', MEI).getByRole('button', { name: 'Move Mei' }).click();
      await member(teacher, 'Group 2', MEI).getByRole('button', { name: 'To Group 1' }).click();
      await mei.page.locator('[data-banner="group"]', { hasText: 'Group 1' }).waitFor();
      await student.shows(`.sc-tile[data-user="${MEI}"][data-video="on"]`);
      await mei.shows(`.sc-tile[data-user="${SAM}"][data-video="on"]`);
      const [inside, toAll] = [secrets.text('between us'), secrets.text('five minutes left')];
      await student.write(inside);
      await mei.reads(inside);
      await teacher.page.getByRole('textbox', { name: 'Write to all groups' }).fill(toAll);
      await teacher.page.keyboard.press('Enter');
      for (const person of [student, mei]) {
        await person.reads(toAll);
        await person.page.locator('.sc-toast', { hasText: toAll }).waitFor();
      }
      await teacher.reads(toAll);
      check.equal(await teacher.page.getByText(inside).count(), 0, 'the class hears nothing of a group');

      // Help is asked for; the teacher comes, is seen, and goes back.
      await student.button('Ask for help').click();
      await student.button('Help was asked for').waitFor();
      await teacher.shows('[data-dialog="group-invitation"]');
      await teacher.accessible('help is asked for');
      await teacher.button('Go there').click();
      await teacher.shows('[data-room="group"][data-link="live"]');
      await student.shows('.sc-tile[data-user="teacher"][data-video="on"]');
      await teacher.shows(`.sc-tile[data-user="${SAM}"][data-video="on"]`);
      await teacher.reads(inside);
      await teacher.button('Back to the class').click();
      await teacher.shows('[data-room="class"]');
      await student.button('Ask for help').waitFor();

      // A reload leads back into the group.
      await student.page.reload();
      await student.page.locator('[data-banner="group"]', { hasText: 'Group 1' }).waitFor();
      await teacher.page.locator('.sc-banner').getByRole('button', { name: 'Show groups' }).click();
      await teacher.button('End groups').click();
      await teacher.page.locator('[data-dialog="groups-end"]').getByRole('button', { name: 'End groups' }).click();
      for (const person of [student, mei]) await person.shows('[data-room="class"][data-link="live"]');
      await teacher.lacks('[data-banner="groups"]');
      // The class goes on as before.
      await student.button('Raise hand').click();
      await teacher.panel('People');
      await teacher.shows(`[data-hand="${SAM}"]`);
      demo.quiet();
    },
  },
  {
    name: 'C118, C119: who is asked into a group goes there or does not',
    timeout: 120_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student, more: [mei] } = await begun(lab, cleanup, { others: ['Mei'] });
      await openGroups(teacher, [['Sam', 'Group 1'], ['Mei', 'Group 1']], { ask: true });
      for (const person of [student, mei]) await person.shows('[data-dialog="group-invitation"]');
      await student.accessible('asked into a group');
      await student.button('Go there').click();
      await student.page.locator('[data-banner="group"]', { hasText: 'Group 1' }).waitFor();
      await member(teacher, 'Group 1', SAM).waitFor();
      await mei.button('Not now').click();
      await mei.lacks('[data-dialog="group-invitation"]');
      await teacher.page.locator('.sc-group--loose [data-member]', { hasText: 'Mei' }).waitFor();
      check.equal(await mei.page.locator('[data-banner="group"]').count(), 0);
      demo.quiet();
    },
  },
  {
    name: 'on a phone a quiz stands below the stage, which is seen all the time, and gives its place to the chat and back',
    timeout: 120_000,
    async run({ lab, cleanup }) {
      const { demo, teacher, student } = await begun(lab, cleanup);
      for (const person of [teacher, student]) await person.page.setViewportSize(PHONE);
      await teacher.button('Close panel').click();
      check.equal(await teacher.page.evaluate(() => document.activeElement.dataset.opens), 'people', 'who closes the panel is at the button that opens it');
      await teacher.tool('Quiz');
      await teacher.page.locator('[data-dialog="quiz"]').getByRole('button', { name: 'B', exact: true }).click();
      await teacher.page.locator('[data-dialog="quiz"]').getByRole('button', { name: 'Start' }).click();
      // The student has the chat open: the quiz is a line above it.
      await student.shows('[data-tool="quiz"][data-folded="true"]');
      for (const person of [teacher, student]) {
        await person.fits();
        check.ok(await seen(person, '.sc-tile[data-user="teacher"]'), 'the stage is covered');
      }
      await student.accessible('a folded quiz');
      await student.page.locator('[data-tool="quiz"] .sc-card__fold').click();
      await student.lacks('[data-panel]');
      const quiz = student.page.locator('[data-tool="quiz"][data-folded="false"]');
      await quiz.getByRole('button', { name: 'A', exact: true }).click();
      check.ok(await seen(student, '.sc-tile[data-user="teacher"]'), 'the stage is covered');
      await student.accessible('a quiz on a phone');
      await student.panel('Chat');
      await student.shows('[data-tool="quiz"][data-folded="true"]');
      await student.page.locator('[data-tool="quiz"] .sc-card__fold').click();
      // What was chosen is still chosen.
      await quiz.getByRole('button', { name: 'Send answer' }).click();
      await quiz.getByText('Your answer: A').waitFor();
      await teacher.shows('[data-tool="quiz"][data-folded="false"]');
      await teacher.accessible('a quiz on the teacher’s phone');
      demo.quiet();
    },
  },
];
