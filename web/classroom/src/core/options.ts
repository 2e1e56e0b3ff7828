// What an app says at launch (classroom contract, sections 4.1 and 4.2), checked.

import type { Codec, Encoding, Encodings } from '../media/peer';
import { USUAL } from '../media/peer';
import { ROLES, type Role, type Tree } from './types';

export type Listener = (event: number, ...details: unknown[]) => void;
export type Language = 'en' | 'zh';
export type UiMode = 'light' | 'dark';

/** As the app gives them. */
export interface LaunchOption {
  readonly userUuid: string;
  readonly userName: string;
  readonly roomUuid: string;
  readonly roomName: string;
  readonly roleType: number;
  readonly roomType: number;
  /** The room-user token; `rtmToken` is its older name. */
  readonly token?: string;
  readonly rtmToken?: string;
  readonly listener?: Listener;
  readonly pretest?: boolean;
  readonly language?: string;
  readonly startTime?: number;
  readonly duration?: number;
  readonly uiMode?: string;
  readonly userFlexProperties?: Tree;
  readonly mediaOptions?: {
    readonly cameraEncoderConfiguration?: Partial<Encoding>;
    readonly lowStreamCameraEncoderConfiguration?: Partial<Encoding>;
    readonly screenShareEncoderConfiguration?: Partial<Encoding>;
    readonly web?: { readonly codec?: string; readonly mode?: string };
    readonly encryptionConfig?: { readonly mode?: number; readonly key?: string };
    readonly [name: string]: unknown;
  };
  /** For who only watches: 1 a steady picture with a delay, 2 as soon as it is there. */
  readonly latencyLevel?: number;
  /** `PC` or `H5`, a page within an app on a phone. */
  readonly platform?: string;
  readonly shareUrl?: string;
  /** Ours: another token when the one that there is ends. Without it a class ends with its token. */
  readonly freshToken?: () => Promise<string>;
  readonly [name: string]: unknown;
}

export interface Options {
  readonly userUuid: string;
  readonly userName: string;
  readonly roomUuid: string;
  readonly roomName: string;
  readonly role: Role;
  readonly roomType: number;
  readonly token: string;
  readonly listener: Listener;
  readonly pretest: boolean;
  readonly language: Language;
  readonly uiMode: UiMode;
  readonly startTime: number | undefined;
  readonly duration: number | undefined;
  readonly flexProps: Tree | undefined;
  readonly encodings: Encodings;
  /** Milliseconds for which what comes is held back, for who only watches. */
  readonly delayMs: number;
  /** What kind of page it is, by the contract's numbers. */
  readonly platform: number;
  readonly shareUrl: string | undefined;
  readonly freshToken: (() => Promise<string>) | undefined;
}

const PLATFORM = { web: 1, h5: 6 };
const CODECS: readonly Codec[] = ['vp8', 'vp9', 'h264'];
/** The delay that level 1 has, from the documents: 1.5 to 2 s. */
const STEADY_MS = 1500;

const LONGEST_S = 86_400;
/** Bytes of a name are fewer than this. */
const NAME_BYTES = 64;

const bytes = (text: string): number => new TextEncoder().encode(text).length;

function name(option: LaunchOption, field: 'userUuid' | 'userName' | 'roomUuid' | 'roomName'): string {
  const value: unknown = option[field];
  if (typeof value !== 'string' || value.trim() === '') throw new Error(`${field} is required and must not be empty`);
  if (bytes(value) >= NAME_BYTES) throw new Error(`${field} must have fewer than ${NAME_BYTES} bytes`);
  return value;
}

function encoding(usual: Encoding, said: Partial<Encoding> | undefined): Encoding {
  const part = (field: keyof Encoding): number => {
    const value = said?.[field];
    return typeof value === 'number' && value > 0 ? value : usual[field];
  };
  return { width: part('width'), height: part('height'), frameRate: part('frameRate'), bitrate: part('bitrate') };
}

/** The options as they are used. `types`: the room types that may be launched this way.
 * @throws Error that names what is wrong and what is allowed */
export function checked(option: LaunchOption, types: readonly number[], usualCamera: Encoding = USUAL.camera): Options {
  if (typeof option !== 'object' || option === null) throw new Error('launch needs options');
  const role = (Object.keys(ROLES) as Role[]).find((known) => ROLES[known] === option.roleType);
  if (!role) throw new Error('Invalid roleType: must be 0, 1, 2, 3 or 4');
  if (!types.includes(option.roomType)) throw new Error(`Invalid roomType: must be ${types.join(', ')}`);
  const token = option.token || option.rtmToken;
  if (typeof token !== 'string' || token === '') throw new Error('token (or rtmToken) is required');
  if (option.listener !== undefined && typeof option.listener !== 'function') throw new Error('listener must be a function');
  const duration = option.duration;
  if (duration !== undefined && !(Number.isInteger(duration) && duration >= 0 && duration <= LONGEST_S)) {
    throw new Error(`duration must be whole seconds, ${LONGEST_S} at the most`);
  }
  const media = option.mediaOptions ?? {};
  const platform = String(option.platform).toUpperCase() === 'H5' ? PLATFORM.h5 : PLATFORM.web;
  const codec = CODECS.find((known) => known === String(media.web?.codec).toLowerCase());
  // Who asks for encryption from end to end does not get a class without it.
  if (media.encryptionConfig?.key) throw new Error('mediaOptions.encryptionConfig: media that is encrypted from end to end is not supported');
  return {
    userUuid: name(option, 'userUuid'),
    userName: name(option, 'userName'),
    roomUuid: name(option, 'roomUuid'),
    roomName: name(option, 'roomName'),
    role,
    roomType: option.roomType,
    token,
    listener: option.listener ?? (() => {}),
    // Pages within apps have no device check: the app has asked already.
    pretest: option.pretest === true && platform !== PLATFORM.h5,
    language: String(option.language ?? '').toLowerCase().startsWith('zh') ? 'zh' : 'en',
    uiMode: option.uiMode === 'dark' ? 'dark' : 'light',
    startTime: typeof option.startTime === 'number' && option.startTime > 0 ? option.startTime : undefined,
    duration: duration || undefined,
    flexProps: option.userFlexProperties,
    encodings: {
      camera: encoding(usualCamera, media.cameraEncoderConfiguration),
      low: encoding(USUAL.low, media.lowStreamCameraEncoderConfiguration),
      screen: encoding(USUAL.screen, media.screenShareEncoderConfiguration),
      codec,
    },
    delayMs: option.latencyLevel === 1 ? STEADY_MS : 0,
    platform,
    shareUrl: typeof option.shareUrl === 'string' && /^https?:\/\//.test(option.shareUrl) ? option.shareUrl : undefined,
    freshToken: typeof option.freshToken === 'function' ? option.freshToken : undefined,
  };
}

/** What of the stock interface an app switches off (`FcrUIConfig`): `{a: {b: {enable: false}}}`. */
export function enabled(config: Tree | undefined, path: string): boolean {
  let value: unknown = config;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null) return true;
    value = (value as Tree)[part];
    if (typeof value === 'object' && value !== null && (value as Tree)['enable'] === false) return false;
  }
  return true;
}

/** The base of calls from what `setParameters` names as host. */
export function baseOf(host: string | undefined, own: string): string {
  if (!host) return own;
  const url = new URL(/^https?:\/\//.test(host) ? host : `https://${host}`);
  return url.origin;
}
