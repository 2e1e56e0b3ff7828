// The library as a script: an app's page includes it, and finds the launch API under the names that it knows.

import { AgoraEduClassroomEvent, AgoraEduSDK, FcrUIScene } from './index';

Object.assign(globalThis, { AgoraEduSDK, FcrUIScene, AgoraEduClassroomEvent });
