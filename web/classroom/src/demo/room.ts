// A class of the demo, as an app's page would open it.

import { AgoraEduSDK, FcrUIScene } from '../index';
import { ROLES } from '../core/types';
import { DemoError, ticket } from './api';
import { ticketIn } from './links';
import './room.css';

const root = document.getElementById('root') as HTMLElement;

/** A page that says why there is no class. */
function say(title: string, text: string): void {
  const [main, heading, line] = [document.createElement('main'), document.createElement('h1'), document.createElement('p')];
  heading.textContent = title;
  line.textContent = text;
  line.className = 'sc-lead';
  main.className = 'sc-gate';
  main.dataset['gate'] = 'closed';
  main.append(heading, line);
  root.className = 'sc-root';
  root.replaceChildren(main);
}

async function open(): Promise<void> {
  const said = ticketIn(location.hash);
  if (!said) return say('This link is not complete', 'Open /classroom/demo and use one of the links there.');
  const { roomUuid, roomName, roomType, userUuid, userName, role, language, uiMode, pretest } = said;
  document.title = `${roomName} · ${userName}`;
  document.documentElement.lang = language === 'zh' ? 'zh-Hans' : 'en';
  const freshToken = async (): Promise<string> => (await ticket(roomUuid, userUuid, ROLES[role])).token;
  let first: Awaited<ReturnType<typeof ticket>>;
  try {
    first = await ticket(roomUuid, userUuid, ROLES[role]);
  } catch (error) {
    const status = error instanceof DemoError ? error.status : 0;
    if (status === 401) return say('This browser was not let in', 'Open the demo’s page with its one-time link first; cargo xtask up prints it.');
    return say('The server does not answer', 'Is it running? Reload this page then.');
  }
  const { appId, token } = first;
  const common = { userUuid, userName, roomUuid, roomName, roleType: ROLES[role], language, uiMode, duration: 2700, freshToken };
  if (roomType === 10) {
    FcrUIScene.launch(root, { ...common, appId, token, devicePretest: pretest });
    return;
  }
  AgoraEduSDK.config({ appId });
  AgoraEduSDK.launch(root, { ...common, roomType, rtmToken: token, pretest, listener: () => {} });
}

// Another link in the same window is another class.
addEventListener('hashchange', () => location.reload());
void open();
