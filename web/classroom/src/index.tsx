// The launch API (classroom contract, section 4): what an app's page calls.

import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { Classroom } from './core/classroom';
import { CLASS_EVENTS } from './core/events';
import { baseOf, checked, type LaunchOption, type Options } from './core/options';
import type { Tree } from './core/types';
import { Root } from './ui/Root';
import './styles/index.css';

export type { LaunchOption, Listener } from './core/options';

/** Types of rooms that each way of launching takes. */
const EDU_TYPES = [0, 2, 4];
const SCENE_TYPES = [10];
const SCENE_CAMERA = { width: 320, height: 240, frameRate: 15, bitrate: 200 };
/** Numbers of the event `Destroyed`. */
const [LEFT, KICKED] = [0, 1];

interface Configuration {
  readonly appId: string;
  readonly region: string;
}

let configuration: Configuration | undefined;
let parameters: { readonly host?: string; readonly uiConfigs?: Tree } = {};
let running: Classroom | undefined;

function configured({ appId, region = '' }: { readonly appId: string; readonly region?: string }): Configuration {
  if (typeof appId !== 'string' || appId === '') throw new Error('config: appId is required');
  const known = ['', 'cn', 'ap', 'eu', 'na'];
  const small = region.toLowerCase();
  if (!known.includes(small)) throw new Error('config: region must be CN, AP, EU or NA');
  return { appId, region: small };
}

/** Ends the class in this page. */
export interface Destroy {
  (): void;
  /** The class goes on with another token. */
  readonly renewToken: (token: string) => void;
}

function start(dom: HTMLElement, { appId, region }: Configuration, options: Options, onOver: (kicked: boolean) => void): Destroy {
  if (!(dom instanceof HTMLElement)) throw new Error('launch needs an element to draw into');
  const base = baseOf(parameters.host, globalThis.location.origin);
  const { roomUuid, userUuid } = options;
  const config = (parameters.uiConfigs?.[String(options.roomType)] ?? undefined) as Tree | undefined;
  const classroom = new Classroom({ base, region, appId, roomUuid, userUuid }, options, config);
  running = classroom;
  const root = createRoot(dom);
  root.render(<Root classroom={classroom} />);
  let told = false;
  const over = (kicked: boolean): void => {
    if (told) return;
    told = true;
    onOver(kicked);
  };
  classroom.subscribe(() => {
    const state = classroom.state();
    if (state.phase === 'over') over(state.why === 'kicked' || state.why === 'banned');
    else if (state.phase === 'in') told = false;
  });
  const destroy = (): void => {
    if (running !== classroom) return;
    running = undefined;
    classroom.dispose();
    flushSync(() => root.unmount());
    over(false);
  };
  return Object.assign(destroy, { renewToken: (token: string) => classroom.renewToken(token) });
}

/** Says that a class is open already, and gives what does nothing. */
function refused(): Destroy {
  console.error('A class is open already: destroy it before another one is launched.');
  return Object.assign(() => {}, { renewToken: () => {} });
}

export const AgoraEduSDK = {
  version: '2.9.52',

  /** Names the app, and the region that all clients of its rooms use. */
  config(options: { readonly appId: string; readonly region?: string }): void {
    configuration = configured(options);
  },

  /** `{"host": …}` is where the server is; without it, where the page came from. */
  setParameters(json: string): void {
    const said = JSON.parse(json) as typeof parameters;
    parameters = { ...parameters, ...said };
  },

  /** Opens a class in an element. Gives what ends it and frees camera, microphone and element.
   * @throws Error that names the option that is wrong and what is allowed */
  launch(dom: HTMLElement, option: LaunchOption): Destroy {
    if (!configuration) throw new Error('call AgoraEduSDK.config before launch');
    const options = checked(option, EDU_TYPES);
    if (running) return refused();
    return start(dom, configuration, options, (kicked) => options.listener(CLASS_EVENTS.Destroyed, kicked ? KICKED : LEFT));
  },

  getLoadedScenes: () => EDU_TYPES.map((roomType) => ({ name: { 0: '1v1', 2: 'big-class', 4: 'mid-class' }[roomType] ?? '', roomType })),

  /** For the page that a recorder opens. */
  setRecordReady(): Promise<unknown> {
    return running?.classApi.recordReady() ?? Promise.reject(new Error('no class is open'));
  },
};

interface SceneOption extends Omit<LaunchOption, 'roomType'> {
  readonly roomType?: number;
  readonly appId: string;
  readonly region?: string;
  readonly devicePretest?: boolean;
}

export const FcrUIScene = {
  version: '3.1.0',

  /** Opens a cloud class (room type 10). `onDestroy` hears 1 for left and 2 for kicked. */
  launch(dom: HTMLElement, option: SceneOption, onSuccess?: () => void, onFailure?: (error: unknown) => void, onDestroy?: (type: number) => void): Destroy {
    const where = configured(option);
    const listener = (event: number, ...details: unknown[]): void => {
      if (event === CLASS_EVENTS.Ready) onSuccess?.();
      if (event === CLASS_EVENTS.FailedToJoin) onFailure?.(details[0]);
    };
    const options = checked({ ...option, roomType: option.roomType ?? 10, pretest: option.devicePretest ?? false, listener } as unknown as LaunchOption, SCENE_TYPES, SCENE_CAMERA);
    if (running) return refused();
    return start(dom, where, options, (kicked) => onDestroy?.(kicked ? 2 : 1));
  },
};

export { CLASS_EVENTS as AgoraEduClassroomEvent };
