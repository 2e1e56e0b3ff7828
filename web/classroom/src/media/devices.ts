// Camera, microphone, speaker and screen of this machine.

export type DeviceKind = 'camera' | 'microphone' | 'speaker';
export type DeviceProblem = 'denied' | 'none' | 'busy' | 'failed';

export interface DeviceList {
  readonly camera: readonly MediaDeviceInfo[];
  readonly microphone: readonly MediaDeviceInfo[];
  readonly speaker: readonly MediaDeviceInfo[];
}

export interface DeviceState {
  readonly list: DeviceList;
  readonly chosen: Readonly<Record<DeviceKind, string>>;
  readonly tracks: { readonly camera: MediaStreamTrack | null; readonly microphone: MediaStreamTrack | null };
  readonly problems: Readonly<Partial<Record<'camera' | 'microphone', DeviceProblem>>>;
}

export interface CameraSize {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
}

const KINDS: Record<MediaDeviceKind, DeviceKind> = { videoinput: 'camera', audioinput: 'microphone', audiooutput: 'speaker' };
const NONE: DeviceList = { camera: [], microphone: [], speaker: [] };
const MEMORY = 'stoa-class:devices';

export function problemOf(error: unknown): DeviceProblem {
  switch ((error as { name?: unknown } | null)?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'none';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'failed';
  }
}

export class Devices {
  readonly #size: CameraSize;
  readonly #onUnplugged: (kind: DeviceKind) => void;
  readonly #listeners = new Set<() => void>();
  readonly #opening: Partial<Record<'camera' | 'microphone', Promise<MediaStreamTrack | null>>> = {};
  /** Counts what was asked for, so that what comes too late is let go again. */
  readonly #turn = { camera: 0, microphone: 0 };
  #state: DeviceState = { list: NONE, chosen: remembered(), tracks: { camera: null, microphone: null }, problems: {} };

  constructor(size: CameraSize, onUnplugged: (kind: DeviceKind) => void = () => {}) {
    this.#size = size;
    this.#onUnplugged = onUnplugged;
    this.#media?.addEventListener('devicechange', this.#changed);
    void this.refresh();
  }

  get #media(): MediaDevices | undefined {
    return (globalThis.navigator as Navigator | undefined)?.mediaDevices;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): DeviceState => this.#state;

  readonly #changed = (): void => void this.refresh(true);

  async refresh(tell = false): Promise<void> {
    const all = (await this.#media?.enumerateDevices().catch(() => [])) ?? [];
    const list: Record<DeviceKind, MediaDeviceInfo[]> = { camera: [], microphone: [], speaker: [] };
    for (const one of all) list[KINDS[one.kind]].push(one);
    const before = this.#state.list;
    this.#set({ list });
    if (!tell) return;
    for (const kind of ['camera', 'microphone', 'speaker'] as const) {
      const current = this.#state.chosen[kind];
      const had = before[kind].some(({ deviceId }) => deviceId === current);
      const has = list[kind].some(({ deviceId }) => deviceId === current);
      if (current && had && !has) this.#onUnplugged(kind);
    }
  }

  /** Opens a device. Resolves with its track, or null when that failed; `problems` says why. */
  open(kind: 'camera' | 'microphone'): Promise<MediaStreamTrack | null> {
    const track = this.#state.tracks[kind];
    if (track && track.readyState === 'live') return Promise.resolve(track);
    this.#opening[kind] ??= this.#open(kind).finally(() => delete this.#opening[kind]);
    return this.#opening[kind];
  }

  async #open(kind: 'camera' | 'microphone'): Promise<MediaStreamTrack | null> {
    const turn = (this.#turn[kind] += 1);
    const { [kind]: _, ...problems } = this.#state.problems;
    try {
      if (!this.#media) throw Object.assign(new Error('no devices here'), { name: 'NotFoundError' });
      const stream = await this.#media.getUserMedia(this.#constraints(kind));
      const track = stream.getTracks()[0] ?? null;
      if (turn !== this.#turn[kind]) {
        track?.stop();
        return null;
      }
      if (track) {
        track.onended = () => {
          if (this.#state.tracks[kind] !== track) return;
          this.#set({ tracks: { ...this.#state.tracks, [kind]: null } });
          this.#onUnplugged(kind);
        };
        const { deviceId = '' } = track.getSettings();
        this.#set({ tracks: { ...this.#state.tracks, [kind]: track }, chosen: { ...this.#state.chosen, [kind]: deviceId }, problems });
      }
      void this.refresh();
      return track;
    } catch (error) {
      this.#set({ tracks: { ...this.#state.tracks, [kind]: null }, problems: { ...problems, [kind]: problemOf(error) } });
      return null;
    }
  }

  #constraints(kind: 'camera' | 'microphone'): MediaStreamConstraints {
    const id = this.#state.chosen[kind];
    const device = id ? { deviceId: { ideal: id } } : {};
    const { width, height, frameRate } = this.#size;
    if (kind === 'camera') return { video: { ...device, width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: frameRate } } };
    return { audio: { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true } };
  }

  close(kind: 'camera' | 'microphone'): void {
    this.#turn[kind] += 1;
    delete this.#opening[kind];
    const track = this.#state.tracks[kind];
    if (!track) return;
    track.onended = null;
    track.stop();
    this.#set({ tracks: { ...this.#state.tracks, [kind]: null } });
  }

  /** Chooses a device, and opens it in place of the one that is open. */
  async choose(kind: DeviceKind, id: string): Promise<void> {
    const chosen = { ...this.#state.chosen, [kind]: id };
    this.#set({ chosen });
    try {
      localStorage.setItem(MEMORY, JSON.stringify(chosen));
    } catch {
      // It is a convenience, and some browsers forbid it.
    }
    if (kind === 'speaker' || !this.#state.tracks[kind]) return;
    this.close(kind);
    await this.open(kind);
  }

  /** Lets go of everything. */
  dispose(): void {
    this.#media?.removeEventListener('devicechange', this.#changed);
    this.close('camera');
    this.close('microphone');
  }

  #set(change: Partial<DeviceState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function remembered(): Record<DeviceKind, string> {
  const none = { camera: '', microphone: '', speaker: '' };
  try {
    const kept = JSON.parse(localStorage.getItem(MEMORY) ?? '{}') as Record<string, unknown>;
    const text = (name: string): string => (typeof kept[name] === 'string' ? kept[name] : '');
    return { camera: text('camera'), microphone: text('microphone'), speaker: text('speaker') };
  } catch {
    return none;
  }
}

/** Asks for a screen, at the most so large. Null when nobody chose one. */
export async function captureScreen({ width, height, frameRate }: CameraSize): Promise<MediaStream | null> {
  return navigator.mediaDevices.getDisplayMedia({ video: { width: { max: width }, height: { max: height }, frameRate: { ideal: frameRate } }, audio: true });
}
