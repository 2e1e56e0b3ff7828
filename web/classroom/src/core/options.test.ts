import { expect, test } from 'vitest';
import { baseOf, checked, enabled, type LaunchOption } from './options';

const OPTION: LaunchOption = { userUuid: 'u', userName: 'Una', roomUuid: 'r', roomName: 'Room', roleType: 2, roomType: 4, token: 't', pretest: true, language: 'en', duration: 1800, listener: () => {} };
const launch = (change: object) => checked({ ...OPTION, ...change } as LaunchOption, [0, 2, 4]);

test('C200: the sample of the documentation is taken as it stands', () => {
  const said = checked(
    { ...OPTION, startTime: 1_800_000_000_000, courseWareList: [], recordUrl: 'https://x/record', mediaOptions: { cameraEncoderConfiguration: { width: 320, height: 240, frameRate: 15, bitrate: 200 } }, latencyLevel: 2, userFlexProperties: { avatar: 'a.png' } },
    [0, 2, 4],
  );
  expect(said).toMatchObject({ role: 'student', pretest: true, language: 'en', uiMode: 'light', duration: 1800, startTime: 1_800_000_000_000, flexProps: { avatar: 'a.png' }, encodings: { camera: { width: 320, bitrate: 200 }, low: { width: 320 } } });
});

test.each(['userUuid', 'userName', 'roomUuid', 'roomName'])('C202: an empty %s is refused, and one that is too long', (field) => {
  for (const value of ['', '  ', undefined, 'x'.repeat(64)]) expect(() => launch({ [field]: value })).toThrow(field);
});

test('C202: roles and types of rooms that there are not are refused', () => {
  for (const roleType of [-1, 5, '1', undefined]) expect(() => launch({ roleType })).toThrow('Invalid roleType');
  for (const roomType of [1, 10, '4', undefined]) expect(() => launch({ roomType })).toThrow('Invalid roomType');
  expect(checked({ ...OPTION, roomType: 10 }, [10]).roomType).toBe(10);
});

test('C203: the token by its older name, by its newer one, and the newer where both are', () => {
  const { token: _, ...without } = OPTION;
  expect(checked({ ...without, rtmToken: 'old' }, [4]).token).toBe('old');
  expect(checked({ ...without, rtmToken: 'old', token: 'new' }, [4]).token).toBe('new');
  expect(() => checked(without, [4])).toThrow('token');
});

test('a duration that is none, a listener that is none, and media that should be encrypted are refused', () => {
  for (const duration of [-1, 1.5, 86_401, '60']) expect(() => launch({ duration })).toThrow('duration');
  expect(() => launch({ listener: 'x' })).toThrow('listener');
  expect(() => launch({ mediaOptions: { encryptionConfig: { mode: 5, key: 'k' } } })).toThrow('encryptionConfig');
});

test('languages and looks that are not known are the usual ones', () => {
  expect([launch({ language: 'zh-CN' }).language, launch({ language: 'fr' }).language, launch({ uiMode: 'dark' }).uiMode, launch({ uiMode: 'x' }).uiMode]).toEqual(['zh', 'en', 'dark', 'light']);
  expect([launch({ shareUrl: 'javascript:alert(1)' }).shareUrl, launch({ shareUrl: 'https://x/1' }).shareUrl]).toEqual([undefined, 'https://x/1']);
});

test('codec, delay and kind of page are as asked; what is not known is as usual', () => {
  const codec = (web: object) => launch({ mediaOptions: { web } }).encodings.codec;
  expect([codec({ codec: 'H264' }), codec({ codec: 'vp9', mode: 'live' }), codec({ codec: 'av1' }), codec({})]).toEqual(['h264', 'vp9', undefined, undefined]);
  expect([launch({ latencyLevel: 1 }).delayMs, launch({ latencyLevel: 2 }).delayMs, launch({}).delayMs]).toEqual([1500, 0, 0]);
  expect([launch({ platform: 'H5', pretest: true }), launch({ platform: 'PC', pretest: true })].map(({ platform, pretest }) => [platform, pretest])).toEqual([[6, false], [1, true]]);
});

test('C201: the host is where calls go', () => {
  expect(baseOf(undefined, 'https://own')).toBe('https://own');
  expect(baseOf('school.example', 'https://own')).toBe('https://school.example');
  expect(baseOf('http://localhost:8480/', 'https://own')).toBe('http://localhost:8480');
});

test('what an app switches off is not shown', () => {
  const config = { engagement: { poll: { enable: false } }, stage: { enable: false } };
  expect(['engagement.poll', 'engagement.counter', 'stage.studentVideo.reward', 'extension.x'].map((path) => enabled(config, path))).toEqual([false, true, false, true]);
  expect(enabled(undefined, 'engagement.poll')).toBe(true);
});
