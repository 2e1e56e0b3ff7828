// A class for tests, as a server answers an entry into it.

import { roomFrom } from './store';
import type { Room, Tree } from './types';

export const stream = (streamUuid: string, more: Tree = {}): Tree => ({
  streamUuid,
  videoSourceType: 1,
  audioSourceType: 1,
  videoState: 1,
  audioState: 1,
  videoSourceState: 1,
  audioSourceState: 1,
  ...more,
});

export const person = (userUuid: string, role: string, streams: readonly Tree[] = [], userProperties: Tree = {}): Tree => ({ userUuid, userName: userUuid.toUpperCase(), role, streams, userProperties });

/** The answer to an entry of Sam, a student, into a class that Tina teaches. */
export function entry(me = person('sam', 'audience', [stream('2', { videoState: 0, audioState: 0 })]), properties: Tree = {}): Tree {
  return {
    room: {
      roomInfo: { roomUuid: 'algebra', roomName: 'Algebra' },
      roomState: { total: 2 },
      roomProperties: {
        roomType: 4,
        state: 0,
        schedule: { state: 0, duration: 600, closeDelay: 60 },
        processes: { handsUp: { accepted: [], progress: [] }, waveArm: { progress: [] } },
        screen: { state: 0 },
        muteChat: 0,
        widgets: {},
        ...properties,
      },
      sequence: 10,
    },
    localUser: { ...me, userToken: 'secret-of-this-entry', sequence: 3 },
    remoteUsers: [person('tina', 'host', [stream('1')])],
  };
}

export const room = (...given: Parameters<typeof entry>): Room => roomFrom(entry(...given));
